"""What faults of fields say in a form, and where in the form each field stands.

By the violation's reason; `field:REASON` comes before `REASON`, where `field` is that of
the form. `{names}` are the violation's parameters, put in as the language writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bonafides.web.labels import N_

_SHA256: Final = N_("The file was not taken whole. Choose it again.")
_ANEW: Final = N_("Load the form anew, and send it again.")
_WITHIN: Final = N_("Enter a number within what is allowed.")
_ADDRESSED: Final = N_("Check the code, or come here anew from the page of the enterprise.")
_CODE: Final = N_("Enter the 18 characters of the unified social credit code, as on the licence.")
_HELD: Final = N_("The archive has no such entry. Choose one that it shows.")
_UPLOAD: Final = N_("The file did not arrive whole. Choose it again, and send it.")

FAULTS: Final[Mapping[str, str]] = {
    # --- What any field may lack ----------------------------------------------------
    "REQUIRED": N_("This is needed."),
    "changes:REQUIRED": N_("Fill in at least one field that changed."),
    "target:REQUIRED": N_("Choose what it is about."),
    "UUID": _ANEW,
    "ENUM": N_("Choose one of the values offered."),
    "ENUM_IN": N_("Choose one of the values offered."),
    "STRING_MAX_LEN": N_("Write at most {limit} characters."),
    "STRING_LEN": N_("Write exactly {limit} characters."),
    "STRING_PATTERN": N_("This is not written as it must be. Check it."),
    "platforms:STRING_PATTERN": N_(
        "Name platforms as their records do, with small letters, digits and hyphens, such as 1688."
    ),
    "platform:STRING_PATTERN": N_(
        "Name platforms as their records do, with small letters, digits and hyphens, such as 1688."
    ),
    "BYTES_LEN": _SHA256,
    "BYTES_MIN_LEN": N_("Choose a file."),
    "BYTES_MAX_LEN": _SHA256,
    "EVIDENCE_SHA256": _SHA256,
    "SHA256": _SHA256,
    "INT32_GTE": N_("Enter a number of at least {limit}."),
    "INT32_GTE_LT": _WITHIN,
    "INT32_GTE_LTE": _WITHIN,
    "INT64_GTE": N_("Enter a number of at least {limit}."),
    "INT64_GTE_LTE": _WITHIN,
    "REPEATED_MAX_ITEMS": N_("Give at most {limit}."),
    "REPEATED_MIN_ITEMS": N_("Give at least {limit}."),
    "TOO_MANY_VALUES": N_("Give at most {limit} values in one form."),
    "TEXT_CHARACTERS": N_("Take out characters that don't show. It helps to type it by hand."),
    "FORBIDDEN_CHARACTER": N_("Take out characters that don't show. It helps to type it by hand."),
    "RESOURCE_NAME": _ADDRESSED,
    "OUT_OF_RANGE": N_("Give a time within what is allowed."),
    "PAGE_TOKEN": N_("Load the page anew."),
    "MAGIC": N_("A test code of the sandbox asks for this fault."),
    "DUPLICATE": N_("Give each one once."),
    # --- The enterprise and its licence ---------------------------------------------
    "LENGTH": _CODE,
    "ALPHABET": N_(
        "The code has digits and capital letters without I, O, S, V and Z; characters 3 to 8 are "
        "digits."
    ),
    "OLD_REGISTRATION_NUMBER": N_(
        "This is an old registration number of 15 digits. Enter the unified social credit code "
        "of 18 characters."
    ),
    "OUT_OF_SCOPE": N_(
        "Only enterprises and individual businesses registered in the mainland can be submitted."
    ),
    "DATE": N_("Enter a date with year, month and day."),
    "established:DATE": N_("Enter a day between 1800 and today."),
    "DATE_ORDER": N_("The term can't end before the day of establishment. Check both."),
    "NEGATIVE": N_("Enter an amount of 0 or more."),
    "NOT_FOR_INDIVIDUALS": N_("Individual businesses have none. Leave it empty."),
    "INDIVIDUALS_ONLY": N_("Only individual businesses have it. Leave it empty."),
    "NOTHING_CHANGED": N_("This is what is verified already. Enter what differs from it."),
    "PHONE": N_("Enter a telephone number of the mainland, with its area code if it has one."),
    "EMAIL": N_("Enter an e-mail address such as name@example.com."),
    "PLATFORM": N_(
        "Name platforms as their records do, with small letters, digits and hyphens, such as 1688."
    ),
    # --- Persons --------------------------------------------------------------------
    "id_number:LENGTH": N_("Enter the 18 characters of the resident identity card."),
    "id_number:ALPHABET": N_("The number has 17 digits, then a digit or X."),
    "CHECK_DIGIT": N_("The last character doesn't fit the others. Check the number."),
    "BIRTH_DATE": N_("Digits 7 to 14 are no date of birth. Check the number."),
    "SHAPE": N_("This is no number of such a document. Check it."),
    # --- Consents and agreements ----------------------------------------------------
    "PURPOSE": N_("Choose a purpose that the page lists."),
    "PURPOSE_REQUIRED": N_("Say what it is read for."),
    "PURPOSE_NOT_YOURS": N_("Only platforms say what they read for. Leave it out."),
    "AUTHORIZATION_REQUIRED": N_(
        "The representative's consent to verify the identity is needed, with the document that "
        "the representative signed."
    ),
    "CONSENT_REQUIRED": N_("The consent of the person concerned is needed for this."),
    "BEYOND_PURPOSE": N_("The consent goes beyond its purpose. Choose the purpose anew."),
    "TEXT_NOT_CURRENT": N_("The text has changed. Load the page, and show the person the new one."),
    "NOT_PUBLISHED": N_("There is no such agreement. Choose one that the page lists."),
    "NOT_NEEDED": N_("This goes with a new representative alone. Leave it empty."),
    "EXPIRED": N_("Enter a day to come, or leave it empty."),
    "IN_FUTURE": N_("Enter when it was done, not a time to come."),
    "TIME": N_("Enter when it was done."),
    # --- Files ----------------------------------------------------------------------
    "DOCUMENT_TYPE": N_(
        "Choose a JPEG or PNG image. A PDF or another file has to be made an image first."
    ),
    "DOCUMENT_SIZE": N_("Choose a file of at most {most_bytes}, and none that is empty."),
    "DOCUMENT_PIXELS": N_(
        "The image is too large. It may have {most_pixels} pixels, and {most_side} on a side."
    ),
    "DOCUMENT_TRUNCATED": N_("The image breaks off before its end. Choose the whole file."),
    "DIGEST_DIFFERS": _UPLOAD,
    "NAME_CHANGED": _UPLOAD,
    "SIZE_CHANGED": _UPLOAD,
    "TOO_LONG": _UPLOAD,
    "UPLOAD_INCOMPLETE": _UPLOAD,
    # --- Corrections ----------------------------------------------------------------
    "NOT_HELD": _HELD,
    "record_id:NOT_HELD": N_(
        "The platform reported no such record. Check platform, kind and number."
    ),
    "NOT_CORRECTABLE": N_(
        "This is not corrected by a case. Submit the identity again, announce a change, or "
        "describe the enterprise anew."
    ),
    "OTHER_ENTERPRISE": N_("This belongs to another enterprise. Choose one that the page lists."),
    "NOT_A_FACT": N_("This goes with facts alone. Leave it empty."),
    "VALUE": N_("This is no value that the fact can have. Check it."),
    "VALUE_OR_WITHDRAW": N_("Give the right value, or withdraw the fact; not both."),
    "NEVER_WITHDRAWN": N_("This can't be withdrawn. Give the right value."),
    # --- Authorizing an integrator --------------------------------------------------
    "NO_SUCH_LINK": N_("The link is used or over. Ask the integrator for a new one."),
    "NOT_ASKED_FOR": N_("The integrator did not ask for this. Give what is offered alone."),
    "NO_SUCH_SCOPE": N_("There is no such scope. Choose one that is offered."),
}

# Fields of requests, without places and without what they are wrapped in, by the field of
# a form that they come from. One that is not here is of the field before its last dot.
FORM_FIELDS: Final[Mapping[str, str]] = {
    "name": "code",
    "code": "code",
    "title": "title",
    "phone": "phone",
    "email": "email",
    "changes": "changes",
    "license": "established",
    "license.legal_form": "legal_form",
    "license.registered_address": "registered_address",
    "license.registered_capital": "capital",
    "license.copy_sha256": "copy",
    "representative": "person",
    "representative.id_number": "id_number",
    "representative.id_type": "id_number",
    "representatives": "person",
    "representatives.id_number": "id_number",
    "representatives.id_type": "id_number",
    "authorizations": "consent_VERIFY_IDENTITY",
    "authorizations.evidence_sha256": "document",
    "authorized_platforms": "platforms",
    "assent": "agreement",
    "content": "copy",
    "size_bytes": "copy",
    "sha256": "copy",
    "evidence_sha256": "document",
    "purpose": "purpose",
    "expire_time": "expires",
    "wrong": "wrong",
    "right": "right",
    "target": "target",
    "target.record": "record_id",
    "target.record.platform": "platform",
    "target.record.kind": "kind",
    "scopes": "scopes",
    "kind": "agreement",
    "version": "agreement",
}
# Where one name is of two fields, by the reason as well.
FIELDS_BY_REASON: Final[Mapping[str, str]] = {"name:PLATFORM": "platform"}

# What the forms call their fields: `form:field` where a form has a name of its own for it.
LABELS: Final[Mapping[str, str]] = {
    "code": N_("Unified social credit code"),
    "title": N_("Registered name"),
    "legal_form": N_("Type of enterprise, as printed on the licence"),
    "registered_address": N_("Registered address"),
    "capital": N_("Registered capital in yuan"),
    "established": N_("Established"),
    "person": N_("Legal representative or proprietor"),
    "id_number": N_("Number of the identity card"),
    "phone": N_("Contact telephone"),
    "email": N_("Contact e-mail"),
    "platforms": N_("Platforms whose records may be used, with commas between"),
    "copy": N_("Copy of the licence, JPEG or PNG, at most 10 MiB"),
    "document": N_("The representative's signed authorization: only its fingerprint is sent on"),
    "amend:copy": N_(
        "Copy of the new licence, if the licence changed: JPEG or PNG, at most 10 MiB"
    ),
    "consents:document": N_("What the person signed: only its fingerprint is sent on"),
    "corrections:document": N_(
        "A document that proves it, if there is one: only its fingerprint is sent on"
    ),
    "consents:platform": N_("Authorize a platform"),
    "agreement": N_("Service agreement"),
    "consents:agreement": N_("Agreements"),
    "agrees": N_("The person named above agrees to this purpose"),
    "consent_VERIFY_IDENTITY": N_("Verify the identity"),
    "consent_RATE": N_("Rate"),
    "consent_SHOW_BUSINESS_FILE": N_("Show the business file"),
    "purpose": N_("What the person agrees to"),
    "expires": N_("Last day on which it holds (if it ends)"),
    "platform": N_("Platform"),
    "kind": N_("Kind"),
    "record_id": N_("Its number at the platform"),
    "wrong": N_("What is wrong"),
    "right": N_("What would be right"),
    "target": N_("What it is about"),
    "changes": N_("Announce a change"),
    "scopes": N_("Scope"),
}
