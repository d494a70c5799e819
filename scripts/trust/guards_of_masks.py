"""Guards of what is shown of a value: masks, classes, and the net behind them.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_ACCESS: Final = "service/bonafides/access"
_PERSONAL: Final = "service/bonafides/personal"
_DISCLOSURE_TEST: Final = "tests/unit/test_disclosure.py"
_MASKS_TEST: Final = "tests/unit/test_masks.py"
_NET_TEST: Final = "tests/unit/test_net.py"

GUARDS: Final = (
    Guard(
        "an ID number that is none is hidden whole",
        f"{_PERSONAL}/masks.py",
        "if is_id_number(value) else HIDDEN",
        "if True else HIDDEN",
        (f"{_MASKS_TEST}::test_mask_is_total_and_keeps_to_its_shape[id_number]",),
    ),
    Guard(
        "an ID number shows its ends alone",
        f"{_PERSONAL}/masks.py",
        "return f\"{value[0]}{'*' * 16}{value[-1]}\"",
        "return f\"{value[:6]}{'*' * 11}{value[-1]}\"",
        (
            f"{_MASKS_TEST}::test_value_is_shown_by_what_its_mask_leaves[id_number-990000199001010017-9****************7]",
        ),
    ),
    Guard(
        "a mobile that is none is hidden whole",
        f"{_PERSONAL}/masks.py",
        'return f"{match[1]}****{match[2]}" if match else HIDDEN',
        'return f"{match[1]}****{match[2]}" if match else value',
        (f"{_MASKS_TEST}::test_mask_is_total_and_keeps_to_its_shape[mobile]",),
    ),
    Guard(
        "a card that is none is hidden whole",
        f"{_PERSONAL}/masks.py",
        ("    if not is_bank_card(digits):\n        return HIDDEN\n"),
        "",
        (
            f"{_MASKS_TEST}::test_value_is_shown_by_what_its_mask_leaves[bank_card-4111111111111112-***]",
        ),
    ),
    Guard(
        "an e-mail that is none is hidden whole",
        f"{_PERSONAL}/masks.py",
        'return f"{match[1]}***@{match[2]}" if match else HIDDEN',
        'return f"{match[1]}***@{match[2]}" if match else value',
        (
            f"{_MASKS_TEST}::test_value_is_shown_by_what_its_mask_leaves[email-zhang@example.com\\nto: x@example.com-***]",
        ),
    ),
    Guard(
        "a plate that is none is hidden whole",
        f"{_PERSONAL}/masks.py",
        'return f"{match[1]}***{match[2]}" if match else HIDDEN',
        'return f"{match[1]}***{match[2]}" if match else value',
        (f"{_MASKS_TEST}::test_value_is_shown_by_what_its_mask_leaves[plate-\\u6837A00001-***]",),
    ),
    Guard(
        "an address of no known division is hidden whole",
        f"{_PERSONAL}/masks.py",
        ("    if name is None:\n        return HIDDEN\n    shown, inside"),
        ("    if name is None:\n        return value\n    shown, inside"),
        (f"{_MASKS_TEST}::test_address_shows_nothing_but_known_divisions",),
    ),
    Guard(
        "an address ends with its district",
        f"{_PERSONAL}/masks.py",
        "    return shown + HIDDEN\n",
        "    return text\n",
        (
            f"{_MASKS_TEST}::test_address_is_cut_after_its_district[\\u6d59\\u6c5f\\u7701\\u676d\\u5dde\\u5e02\\u897f\\u6e56\\u533a\\u6837\\u4f8b\\u8def1\\u53f7-\\u6d59\\u6c5f\\u7701\\u676d\\u5dde\\u5e02\\u897f\\u6e56\\u533a***]",
        ),
    ),
    Guard(
        "a name shows its last character alone",
        f"{_PERSONAL}/masks.py",
        'return f"**{match[1]}" if match else HIDDEN',
        "return value if match else HIDDEN",
        (f"{_MASKS_TEST}::test_masked_name_has_three_characters_whatever_comes",),
    ),
    Guard(
        "repeated texts are looked through",
        f"{_ACCESS}/net.py",
        "                if shown != list(value):\n",
        "                if False:\n",
        (f"{_NET_TEST}::test_each_of_several_texts_is_hidden_by_itself",),
    ),
    Guard(
        "texts deeper in are looked through",
        f"{_ACCESS}/net.py",
        "                _hold(each, held)\n",
        "                pass\n",
        (f"{_NET_TEST}::test_view_hides_the_text_and_tells_its_field_alone",),
    ),
    Guard(
        "digits of full width are digits",
        f"{_ACCESS}/net.py",
        'plain = text if text.isascii() else unicodedata.normalize("NFKC", text)',
        "plain = text",
        (
            f"{_NET_TEST}::test_text_with_a_personal_number_is_caught[\\uff19\\uff19\\uff10\\uff10\\uff10\\uff10\\uff11\\uff19\\uff19\\uff10\\uff10\\uff11\\uff10\\uff11\\uff10\\uff10\\uff11\\uff17]",
        ),
    ),
    Guard(
        "a class is shown to whom it names",
        f"{_ACCESS}/disclosure.py",
        "mask = shown_to(class_of(field)).get(audience)",
        "mask = 0",
        (f"{_DISCLOSURE_TEST}::test_audience_that_no_class_names_sees_nothing[0]",),
    ),
    Guard(
        "a person's name is masked",
        f"{_ACCESS}/disclosure.py",
        "return masks.person_name(value) if isinstance(value, str) else None",
        "return value",
        (f"{_DISCLOSURE_TEST}::test_operator_sees_persons_masked",),
    ),
    Guard(
        "an address is cut",
        f"{_ACCESS}/disclosure.py",
        "    return masks.district(value)\n",
        "    return value\n",
        (
            f"{_DISCLOSURE_TEST}::test_address_of_an_individual_business_is_cut_for_public_and_staff[92990000MA0000001R-\\u6d59\\u6c5f\\u7701\\u676d\\u5dde\\u5e02\\u897f\\u6e56\\u533a***]",
        ),
    ),
    Guard(
        "part of a message is shown by its own classes",
        f"{_ACCESS}/disclosure.py",
        "inner = None if _is_whole(kind, audience) else _plan(kind, audience)",
        "inner = None",
        (f"{_DISCLOSURE_TEST}::test_public_sees_the_ten_fields_with_their_source_and_no_other",),
    ),
)
