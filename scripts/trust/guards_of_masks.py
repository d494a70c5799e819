"""Guards of what is shown of a value: masks, classes, and the net behind them.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_PERSONAL: Final = "service/bonafides/personal"
_MASKS_TEST: Final = "tests/unit/test_masks.py"

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
)
