"""What codes and remedies inside messages say on a page: what is open, found, and kept.

Reasons are codes of the API; paths are fields of claims. Both stay as they are where they
are not listed. A remedy is found by its reason, and by what it is about where one reason
has several.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bonafides.web.labels import N_

_AS_PRINTED: Final = N_("Copy this field from the licence as it is printed, or leave it out.")
_SUBMIT_AGAIN: Final = N_("Submit the identity again; what is verified anew replaces what ends.")
_TAKEN_BACK: Final = N_("It was taken back. To be verified, submit the identity again.")

# What can be done, by `REASON:about` or `REASON`.
REMEDIES: Final[Mapping[str, str]] = {
    "MISMATCH": _AS_PRINTED,
    "MISMATCH:code": N_(
        "The registry knows this name under another code. Copy the code from the licence."
    ),
    "MISMATCH:title": N_(
        "The registry knows this code under another name. Copy the name from the licence."
    ),
    "MISMATCH:operating_state": N_(
        "The registry doesn't show the enterprise as in business. Settle that with the registry."
    ),
    "MISMATCH:term": N_("The term of business is over. Have it extended, then submit again."),
    "MISMATCH:person": N_(
        "Give the representative's name as the registry has it. If the representative changed, "
        "register that first."
    ),
    "MISMATCH:id_number": N_(
        "Give the number of the document by which the registry knows the representative."
    ),
    "AGREEMENT_NOT_CURRENT": N_("Read the current version, and assent to it."),
    "CONSENT_MISSING:RATE": N_(
        "If the proprietor agrees, grant the consent to rate. Refusing is held against nobody."
    ),
    "CONSENT_MISSING:SHOW_BUSINESS_FILE": N_(
        "If the proprietor agrees, grant the consent to show the business file. Refusing is "
        "held against nobody."
    ),
    "CONSENT_ENDS": N_("The consent ends. If the person agrees again, grant it anew."),
    "PLATFORM_ASKS": N_(
        "Answer the inquiry. Questions about it go to the platform, which decides."
    ),
    "VERIFICATION_ENDS": _SUBMIT_AGAIN,
    "LAPSED": _SUBMIT_AGAIN,
    "WITHDRAWN": _TAKEN_BACK,
    "CONSENT_REVOKED": _TAKEN_BACK,
    "CONSENT_OVER": _TAKEN_BACK,
    "PERSONAL_DATA_ERASED": _TAKEN_BACK,
    "SUPERSEDED": _TAKEN_BACK,
    "DOCUMENT_QR_DIFFERS": N_(
        "Its QR code names another enterprise than the one submitted. See whether it is the "
        "right copy; nothing is refused by that alone."
    ),
    "LICENSE_COPY_NOT_UPLOADED": N_(
        "Upload the copy whose fingerprint was submitted, if you like. Nothing depends on it by "
        "itself."
    ),
}

# What findings and what is kept say in a sentence, by their codes.
DESCRIPTIONS: Final[Mapping[str, str]] = {
    "NOT_AN_ENTERPRISE": N_(
        "Enterprises' codes begin with 91, 92 or 93; this one names another kind of organization."
    ),
    "REGION_NOT_LISTED": N_(
        "Digits 3 to 8 are on no list of divisions, as with many development zones."
    ),
    "REGION_ABOLISHED": N_(
        "Digits 3 to 8 name a division that was abolished; codes given before that stay valid."
    ),
    "ORGANIZATION_CHECK_DIGIT": N_(
        "Character 17 is not the check digit of the organization part (GB 11714)."
    ),
    "CHECK_DIGIT": N_("Character 18 is not the check digit of the code (GB 32100)."),
    "SHARES_SUM": N_("The shares do not add up to the whole."),
    "CONTRIBUTIONS_SUM": N_("The subscriptions do not add up to the registered capital."),
    "PAID_ABOVE_SUBSCRIBED": N_("A holder paid in more than was subscribed."),
    "DOCUMENT_QR_MATCHES": N_(
        "The QR code on the copy names the submitted code. It proves nothing by itself."
    ),
    "DOCUMENT_QR_DIFFERS": N_(
        "The QR code on the copy names another code than the submitted one; see whether it is "
        "the right copy. It refuses nothing by itself."
    ),
    "DOCUMENT_QR_NOT_READ": N_(
        "No code could be read from a QR code on the copy: there is none, it is not clear "
        "enough, or it was not looked at. Nothing depends on it."
    ),
    "CONSENT_LEDGER": N_("That consents were given and taken back: that ledger keeps every row."),
    "HISTORY_OF_STATES": N_("When the submission entered which state, and what its checks found."),
    "ENTERPRISE": N_("What the licence says of the enterprise, and the enterprise's records."),
    "PUBLISHED_FACTS": N_("What registries publish of the enterprise, its shareholders among it."),
    "AUDIT": N_("That the erasure was asked for and done, and by which login."),
}

# What happened to somebody's enterprise, beside the notices among the values of fields.
NOTICES: Final[Mapping[str, str]] = {
    "PLATFORM_ASKS": N_("A platform asks for more before it decides; see what is open."),
    "INTEGRATOR_AUTHORIZED": N_("An integrator was authorized to act for this enterprise."),
    "INTEGRATOR_REVOKED": N_("An integrator's authorization ended before its term."),
}

# Codes in a few words.
CODES: Final[Mapping[str, str]] = {
    "MISMATCH": N_("Differs from the source"),
    "NOT_FOUND": N_("Not known to the source"),
    "NO_EVIDENCE": N_("The source says nothing of it yet"),
    "SOURCE_NOT_REACHED": N_("The source could not be reached"),
    "NOT_REACHED": N_("The source could not be reached"),
    "VALUE_BEFORE": N_("The source still shows what it was before"),
    "NOT_ASKED_YET": N_("No source was asked yet"),
    "AGREEMENT_NOT_CURRENT": N_("There is a new version"),
    "CONSENT_MISSING": N_("There is no consent"),
    "CONSENT_ENDS": N_("The consent ends"),
    "STORE_DISPUTED": N_("It is disputed whose store it is"),
    "PLATFORM_ASKS": N_("A platform asks"),
    "VERIFICATION_ENDS": N_("The verification ends"),
    "LAPSED": N_("The verification is over"),
    "WITHDRAWN": N_("Taken back"),
    "SUBMITTED": N_("It was submitted"),
    "PREFILLED": N_("Filled in by a platform"),
    "CONFIRMED": N_("Confirmed by the enterprise"),
    "CHANGE_ANNOUNCED": N_("A change was announced"),
    "SUPERSEDED": N_("Another submission took its place"),
    "CONSENT_REVOKED": N_("The consent was taken back"),
    "CONSENT_OVER": N_("The consent is over"),
    "PERSONAL_DATA_ERASED": N_("The personal values were erased"),
    "TERM_OVER": N_("The term is over"),
    "EVIDENCE_MATCHES": N_("The sources say the same"),
    "CODE_AND_TITLE_MISMATCH": N_("Code and name both differ from the source"),
    "REGISTRATION_ENDED": N_("The registration has ended"),
    "NOT_AN_ENTERPRISE": N_("Another kind of organization"),
    "REGION_NOT_LISTED": N_("Division on no list"),
    "REGION_ABOLISHED": N_("Division abolished"),
    "ORGANIZATION_CHECK_DIGIT": N_("Check digit of the organization part"),
    "CHECK_DIGIT": N_("Check digit of the code"),
    "SHARES_SUM": N_("Sum of the shares"),
    "CONTRIBUTIONS_SUM": N_("Sum of the subscriptions"),
    "PAID_ABOVE_SUBSCRIBED": N_("More paid in than subscribed"),
    "DOCUMENT_QR_MATCHES": N_("The QR code agrees"),
    "DOCUMENT_QR_DIFFERS": N_("The QR code differs"),
    "DOCUMENT_QR_NOT_READ": N_("No QR code was read"),
    "LICENSE_COPY_NOT_UPLOADED": N_("The copy was not uploaded"),
    "PROPOSED": N_("Proposed"),
    "STARTED": N_("It was started"),
    "REPLACED": N_("Replaced by another one"),
    "ENDED": N_("Ended"),
    "APPEALED": N_("Appealed"),
    "APPEAL_WON": N_("The appeal was won"),
    "APPEAL_OVERDUE": N_("There was no ruling in time"),
    "NOT_DECIDED_IN_TIME": N_("There was no ruling in time"),
    "CONSENT_LEDGER": N_("Ledger of consents"),
    "HISTORY_OF_STATES": N_("History of states"),
    "ENTERPRISE": N_("What is of the enterprise"),
    "PUBLISHED_FACTS": N_("What is published"),
    "AUDIT": N_("Audit"),
    "PERSONAL_VALUES": N_("Personal values"),
    "ANSWERS_OF_SOURCES": N_("Answers of the sources"),
    "COPY_OF_LICENSE": N_("Copy of the licence"),
    "WORDS_OF_CORRECTIONS": N_("What was written in corrections"),
    "CONSENTS": N_("Consents"),
    "missing": N_("no information"),
    "not applicable": N_("does not apply"),
}

# Fields of claims, and checks, by the last of their names that is listed.
PATHS: Final[Mapping[str, str]] = {
    "code": N_("Unified social credit code"),
    "title": N_("Registered name"),
    "phone": N_("Contact telephone"),
    "email": N_("Contact e-mail"),
    "operating_state": N_("State of business"),
    "term": N_("Term of business"),
    "representative": N_("Legal representative or proprietor"),
    "representatives": N_("Legal representative or proprietor"),
    "person": N_("Legal representative or proprietor"),
    "representative_id_number": N_("Number of the identity card"),
    "id_number": N_("Number of the identity card"),
    "legal_form": N_("Type of enterprise"),
    "registered_address": N_("Registered address"),
    "registered_capital": N_("Registered capital"),
    "established": N_("Established"),
    "term_end": N_("Business term ends"),
    "business_scope": N_("Scope of business"),
    "composition": N_("Form of composition"),
    "copy": N_("Copy of the licence"),
    "copy_sha256": N_("Copy of the licence"),
    "license": N_("Licence"),
    "verification": N_("Authentication"),
    "authorizations": N_("Consents"),
    "authorized_platforms": N_("Platforms"),
    "assent": N_("Service agreement"),
}
# What is open and is no field of claims: what comes before the first slash.
ITEMS: Final[Mapping[str, str]] = {
    "consents": N_("Consent: {what}"),
    "agreements": N_("Agreement: {what}"),
    "stores": N_("Store: {what}"),
    "inquiries": N_("Inquiry of the platform {what}"),
}
