"""Guards of copies: whose they are, and what is taken for one.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_IDENTITY: Final = "service/bonafides/identity"
_RPC: Final = "service/bonafides/rpc"
_DOCUMENTS_TEST: Final = "tests/service/test_documents.py"

GUARDS: Final = (
    Guard(
        "a PDF is not taken",
        f"{_IDENTITY}/documents.py",
        "if beginning.startswith(_PDF):",
        "if False:",
        (f"{_DOCUMENTS_TEST}::test_file_of_another_type_is_refused_with_its_first_part[sqlite]",),
    ),
    Guard(
        "a copy that breaks off is not taken",
        f"{_IDENTITY}/documents.py",
        "if not whole:",
        "if False:",
        (f"{_DOCUMENTS_TEST}::test_truncated_image_is_refused[sqlite]",),
    ),
    Guard(
        "a copy with too many pixels is not drawn",
        f"{_IDENTITY}/documents.py",
        "if not 0 < width <= MOST_SIDE or not 0 < height <= MOST_SIDE or width * height > MOST_PIXELS:",
        "if False:",
        (f"{_DOCUMENTS_TEST}::test_decompression_bomb_is_refused_by_its_header[sqlite]",),
    ),
    Guard(
        "copies of one submitter are bounded",
        f"{_IDENTITY}/filing.py",
        "if oldest is not None and (wait := oldest + _RATE_WINDOW - now) > 0:",
        "if False:",
        (f"{_DOCUMENTS_TEST}::test_uploads_of_one_submitter_are_counted_deleted_ones_too",),
    ),
    Guard(
        "a copy of another is not deleted",
        f"{_IDENTITY}/filing.py",
        ("        if row is None:\n            raise NotFoundError\n"),
        ("        if False:\n            raise NotFoundError\n"),
        (f"{_DOCUMENTS_TEST}::test_copy_is_not_found_by_anybody_but_its_uploader[sqlite]",),
    ),
    Guard(
        "a copy of another is not found",
        f"{_IDENTITY}/filing.py",
        ("    if row is None:\n        raise NotFoundError\n"),
        ("    if False:\n        raise NotFoundError\n"),
        (f"{_DOCUMENTS_TEST}::test_copy_is_not_found_by_anybody_but_its_uploader[sqlite]",),
    ),
    Guard(
        "uploads at once of one uploader are bounded",
        f"{_RPC}/documents.py",
        "if self._open[submitter] >= _MOST_OPEN_OF_ONE:",
        "if False:",
        (f"{_DOCUMENTS_TEST}::test_third_upload_at_once_of_one_submitter_has_to_wait[sqlite]",),
    ),
    Guard(
        "an upload has its time",
        f"{_RPC}/documents.py",
        "if call.now - self._call.now > _MOST_TIME:",
        "if False:",
        (
            f"{_DOCUMENTS_TEST}::test_upload_that_goes_on_for_more_than_five_minutes_is_ended[sqlite]",
        ),
    ),
    Guard(
        "an upload is of one enterprise and size",
        f"{_RPC}/documents.py",
        "self._require_same(request)",
        "pass",
        (f"{_DOCUMENTS_TEST}::test_name_and_size_can_not_change_within_an_upload[sqlite]",),
    ),
    Guard(
        "an upload is a picture",
        f"{_RPC}/documents.py",
        "_require_image(self._content, whole=self._whole)",
        "pass",
        (f"{_DOCUMENTS_TEST}::test_file_of_another_type_is_refused_with_its_first_part[sqlite]",),
    ),
)
