"""Guards of what is shown: classes, masks, and the net behind them.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_ACCESS: Final = "service/bonafides/access"
_PERSONAL: Final = "service/bonafides/personal"
_RPC: Final = "service/bonafides/rpc"
_DISCLOSURE_TEST: Final = "tests/unit/test_disclosure.py"
_NET_TEST: Final = "tests/unit/test_net.py"
_MASKS_TEST: Final = "tests/unit/test_masks.py"
_FIELD_MASKS_TEST: Final = "tests/unit/test_field_masks.py"
_PURPOSES_TEST: Final = "tests/service/test_purposes.py"

GUARDS: Final = (
    Guard(
        "a field without a class is withheld",
        f"{_ACCESS}/disclosure.py",
        "if mask is None or (mask and mask not in MASKS):",
        "if mask and mask not in MASKS:",
        (
            f"{_DISCLOSURE_TEST}::test_every_audience_sees_its_classes_and_nothing_else[AcceptanceStatement]",
        ),
    ),
    Guard(
        "a mask that this build does not know withholds its field",
        f"{_ACCESS}/disclosure.py",
        "if mask is None or (mask and mask not in MASKS):",
        "if mask is None:",
        (f"{_DISCLOSURE_TEST}::test_mask_that_this_build_does_not_know_withholds_the_value",),
    ),
    Guard(
        "unknown fields die",
        f"{_ACCESS}/disclosure.py",
        "    shown.DiscardUnknownFields()\n",
        "",
        (
            f"{_DISCLOSURE_TEST}::test_every_audience_sees_its_classes_and_nothing_else[AcceptanceStatement]",
        ),
    ),
    Guard(
        "figures about fewer than five buyers are withheld",
        f"{_ACCESS}/disclosure.py",
        ">= MIN_BUYERS else None",
        ">= 0 else None",
        (f"{_DISCLOSURE_TEST}::test_below_five_buyers_member_and_platform_see_none[None-False]",),
    ),
    Guard(
        "an individual business's address is cut to the district",
        f"{_ACCESS}/disclosure.py",
        'if getattr(around, "code", "").startswith(_NOT_A_HOME):',
        "if True:",
        (
            f"{_DISCLOSURE_TEST}::test_address_of_an_individual_business_is_cut_for_public_and_staff[92990000MA0000001R-\\u6d59\\u6c5f\\u7701\\u676d\\u5dde\\u5e02\\u897f\\u6e56\\u533a***]",
        ),
    ),
    Guard(
        "a text with a personal number is hidden",
        f"{_ACCESS}/disclosure.py",
        "for field in net.hold(shown):",
        "for field in ():",
        (f"{_NET_TEST}::test_view_hides_the_text_and_tells_its_field_alone",),
    ),
    Guard(
        "a name that is none is hidden whole",
        f"{_PERSONAL}/masks.py",
        'return f"**{match[1]}" if match else HIDDEN',
        'return f"**{match[1]}" if match else value',
        (f"{_MASKS_TEST}::test_masked_name_has_three_characters_whatever_comes",),
    ),
    Guard(
        "a mask takes away",
        f"{_ACCESS}/field_masks.py",
        ('    for path in withheld:\n        _clear(archive, path.split("."))\n'),
        "    return\n",
        (f"{_FIELD_MASKS_TEST}::test_each_path_takes_something_away[registration.title]",),
    ),
    Guard(
        "masks add up",
        f"{_ACCESS}/field_masks.py",
        'return Mask(f"{self.key}.{other.key}", self.withheld | other.withheld)',
        'return Mask(f"{self.key}.{other.key}", self.withheld & other.withheld)',
        (f"{_FIELD_MASKS_TEST}::test_masks_together_take_away_what_either_does_in_any_order",),
    ),
    Guard(
        "what is read for users is the members' view",
        f"{_RPC}/sights.py",
        "    seen_as = purposes.audience(disclosure_pb2.AUDIENCE_PLATFORM, purpose)\n",
        "    seen_as = disclosure_pb2.AUDIENCE_PLATFORM\n",
        (
            f"{_PURPOSES_TEST}::test_what_is_shown_to_users_is_the_members_view_byte_for_byte[sqlite]",
        ),
    ),
    Guard(
        "a platform's mask narrows what it reads",
        f"{_RPC}/sights.py",
        "return Sight(seen_as, purposes.mask(purpose).also(mask))",
        "return Sight(seen_as, purposes.mask(purpose))",
        (
            f"{_PURPOSES_TEST}::test_mask_withholds_from_its_platform_alone_and_from_nobody_else[sqlite]",
        ),
    ),
    Guard(
        "a platform reads its own mask alone",
        f"{_RPC}/platform_services.py",
        (
            "        if own and platform_of(call.caller) != platform:\n"
            "            raise NotFoundError\n"
        ),
        "",
        (f"{_PURPOSES_TEST}::test_every_mask_is_kept_with_reason_and_who_set_it[sqlite]",),
    ),
    Guard(
        "a mobile's number does not leave",
        f"{_ACCESS}/net.py",
        "return _MOBILE.search(plain) is not None or any(map(is_bank_card, cards))",
        "return any(map(is_bank_card, cards))",
        (f"{_NET_TEST}::test_text_with_a_personal_number_is_caught[19900000001]",),
    ),
    Guard(
        "a card's number does not leave",
        f"{_ACCESS}/net.py",
        "return _MOBILE.search(plain) is not None or any(map(is_bank_card, cards))",
        "return _MOBILE.search(plain) is not None",
        (f"{_NET_TEST}::test_text_with_a_personal_number_is_caught[6217000000000006]",),
    ),
    Guard(
        "an ID number does not leave",
        f"{_ACCESS}/net.py",
        (
            "    if any(_is_id(found.upper()) for found in _ID.findall(plain)):\n"
            "        return True\n"
        ),
        "",
        (f"{_NET_TEST}::test_text_with_a_personal_number_is_caught[990000199001010017_0]",),
    ),
    Guard(
        "a phone that is none is hidden whole",
        f"{_PERSONAL}/masks.py",
        'return f"0{match[1]}****{match[2]}" if match else HIDDEN',
        'return f"0{match[1]}****{match[2]}" if match else value',
        (f"{_MASKS_TEST}::test_phone_is_shown_as_a_mobile_or_a_landline_is[0001-***]",),
    ),
)
