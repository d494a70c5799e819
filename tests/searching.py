"""How many examples a property is tried on: few in the suite, many in a search."""

from __future__ import annotations

from typing import Final

from hypothesis import settings

# The suite tries the same examples on every machine, so that a change is refused for what
# it broke alone; a search goes on from another seed each time.
SUITE: Final = "suite"
_SEARCH: Final = "search"
_TIMES: Final = 25
settings.register_profile(SUITE, derandomize=True)
settings.register_profile(_SEARCH, derandomize=False, print_blob=True, deadline=None)


def examples(few: int) -> int:
    """Returns `few`, or in a search (`make search`) many times as many."""
    return few * _TIMES if settings.get_current_profile_name() == _SEARCH else few
