"""Guards of copies: whose they are, and what is taken for one.

Rows for `guard_table`.
"""

from __future__ import annotations

from typing import Final

from scripts.trust.guard import Guard

_IDENTITY: Final = "service/bonafides/identity"
_RPC: Final = "service/bonafides/rpc"
_STORAGE: Final = "service/bonafides/storage"
_DOCUMENTS_TEST: Final = "tests/service/test_documents.py"
_WHOSE_ROWS_TEST: Final = "tests/service/test_whose_rows.py"

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
        "a copy is of bounded size",
        f"{_RPC}/documents.py",
        "if not 0 < request.size_bytes <= documents.MOST_BYTES:",
        "if False:",
        (
            f"{_DOCUMENTS_TEST}::test_size_beyond_ten_mebibytes_is_refused_before_it_is_sent[sqlite]",
        ),
    ),
    Guard(
        "uploads at once are bounded",
        f"{_RPC}/documents.py",
        "if self._open.total() >= _MOST_OPEN:",
        "if False:",
        (f"{_DOCUMENTS_TEST}::test_uploads_of_all_submitters_at_once_are_bounded[sqlite]",),
    ),
    Guard(
        "an upload is a picture",
        f"{_RPC}/documents.py",
        "_require_image(self._content, whole=self._whole)",
        "pass",
        (f"{_DOCUMENTS_TEST}::test_file_of_another_type_is_refused_with_its_first_part[sqlite]",),
    ),
    Guard(
        "a copy is its uploader's",
        f"{_STORAGE}/documents.py",
        "            _document.submitter == submitter, _document.deleted_at.is_(None)\n",
        "            _document.deleted_at.is_(None)\n",
        (
            f"{_WHOSE_ROWS_TEST}::test_copy_is_its_uploaders_and_part_of_the_uploaders_submissions[sqlite]",
        ),
    ),
    Guard(
        "a copy that was deleted is gone",
        f"{_STORAGE}/documents.py",
        "            _document.submitter == submitter, _document.deleted_at.is_(None)\n",
        "            _document.submitter == submitter\n",
        (
            f"{_WHOSE_ROWS_TEST}::test_copy_is_its_uploaders_and_part_of_the_uploaders_submissions[sqlite]",
        ),
    ),
    Guard(
        "a copy shown to the enterprise is its submission's",
        f"{_STORAGE}/documents.py",
        "            _submission.submitter == _document.submitter,\n",
        "",
        (
            f"{_WHOSE_ROWS_TEST}::test_copy_is_its_uploaders_and_part_of_the_uploaders_submissions[sqlite]",
        ),
    ),
    Guard(
        "a copy is part of its uploader's submissions",
        f"{_STORAGE}/documents.py",
        "            _submission.submitter == row.submitter,\n",
        "",
        (
            f"{_WHOSE_ROWS_TEST}::test_copy_is_its_uploaders_and_part_of_the_uploaders_submissions[sqlite]",
        ),
    ),
    Guard(
        "a deleted copy loses its key",
        f"{_STORAGE}/documents.py",
        "    work.execute(sa.delete(keys).where(keys.c.subject == row.uid))\n",
        "",
        (
            f"{_DOCUMENTS_TEST}::test_deleted_copy_is_gone_with_its_key_and_its_digest_stays[sqlite]",
        ),
    ),
    Guard(
        "a copy that was deleted enrolls nobody",
        f"{_STORAGE}/documents.py",
        "return _first(work, query.where(_document.deleted_at.is_(None)))",
        "return _first(work, query)",
        (
            f"{_WHOSE_ROWS_TEST}::test_copy_is_its_uploaders_and_part_of_the_uploaders_submissions[sqlite]",
        ),
    ),
    Guard(
        "a copy that was deleted is not read",
        f"{_STORAGE}/documents.py",
        "_document.code == code, _document.uid == uid, _document.deleted_at.is_(None)\n",
        "_document.code == code, _document.uid == uid\n",
        (
            f"{_WHOSE_ROWS_TEST}::test_copy_is_its_uploaders_and_part_of_the_uploaders_submissions[sqlite]",
        ),
    ),
)
