"""What a person may agree to, what a consent covers, and what needs one.

Pure rules; the ledger itself is rows (storage.consents). They are:

1. One purpose, one consent. None is bundled with another, and only VERIFY_IDENTITY is
   required: refusing any other leaves the rest working.
2. A purpose has a published text with a version; who agrees names version and digest,
   or brings a document of his own as the text.
3. A consent holds from when it was recorded, for the fields of its scope, until it
   expires or is revoked. As of an instant: as far as the service knew then.
4. Every function that touches a person's values is a row of `USES`, which says for
   which purpose and which fields. It takes a `ConsentRef`, which only the ledger gives
   out. A function without a row has no purpose, and is refused.

    USES["ask_verifier"].purpose        # Purpose.VERIFY_IDENTITY

Source: 001 §1.2, §3.1(c), §3.2, §3.5(a); 002 §1.5.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bonafides.identity.submission import Purpose
from bonafides.instants import Instant

SERVICE_AGREEMENT: Final = "SERVICE_AGREEMENT"
PRIVACY_NOTICE: Final = "PRIVACY_NOTICE"
# What an enterprise assents to; consents are a person's.
AGREEMENTS: Final = (SERVICE_AGREEMENT, PRIVACY_NOTICE)


@dataclass(frozen=True, slots=True)
class ConsentText:
    """What a person is shown before agreeing to a purpose."""

    version: str
    title: str
    text: str
    # The fields that a consent to it may be about.
    scope: frozenset[str]
    required: bool = False

    @property
    def sha256(self) -> bytes:
        """Digest of the text in UTF-8."""
        return hashlib.sha256(self.text.encode()).digest()


# A changed word is a new version: consents to the old one stay what they were.
TEXTS: Final[Mapping[Purpose, ConsentText]] = MappingProxyType(
    {
        Purpose.VERIFY_IDENTITY: ConsentText(
            version="2026-11",
            title="核验法定代表人(经营者)身份",
            text=(
                "本人同意,为核验企业身份,将本人姓名和证件号码与登记机关等来源的记录比对。"
                "结果只有一致、不一致、未找到、无证据四种;姓名和证件号码加密保存,不向任何人展示。"
                "本人可随时撤回;撤回后不再比对,据此作出的身份验证随即终止。"
            ),
            scope=frozenset({"person", "id_number"}),
            required=True,
        ),
        Purpose.SHOW_BUSINESS_FILE: ConsentText(
            version="2026-11",
            title="展示个体工商户经营档案",
            text=(
                "本人作为经营者同意,向登录用户展示本户的经营档案。"
                "不同意不影响其他服务;可随时撤回,撤回后该部分不再出现。"
            ),
            scope=frozenset({"business_file", "person", "id_number"}),
        ),
        Purpose.RATE: ConsentText(
            version="2026-11",
            title="评定个体工商户诚信等级",
            text=(
                "本人作为经营者同意,依据公开的评分卡评定本户诚信等级,并向登录用户展示。"
                "等级不是信用评级。不同意则不评定,不作任何不利推断;可随时撤回,撤回后不再有等级。"
            ),
            scope=frozenset({"business_file", "registration", "person", "id_number"}),
        ),
        Purpose.PROVE_OWNERSHIP: ConsentText(
            version="2026-11",
            title="向留存的联系方式发送一次性验证码",
            text=(
                "本人同意,有人申请管理本企业账户时,向本企业留存的电子邮箱发送一次性验证码。"
                "不同意不影响其他服务;可随时撤回,撤回后不再发送。"
            ),
            scope=frozenset({"email"}),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Use:
    """What a function does with a person's values: for which purpose, and which of them."""

    purpose: Purpose
    fields: frozenset[str] = frozenset()


# Who reads a person's values in clear, or shows what is of a person. Nobody else may.
USES: Final[Mapping[str, Use]] = MappingProxyType(
    {
        "ask_verifier": Use(Purpose.VERIFY_IDENTITY, frozenset({"person", "id_number"})),
        "open_claims": Use(Purpose.VERIFY_IDENTITY, frozenset({"person", "id_number"})),
        # Who asks what is held of a person is told it masked.
        "tell_holdings": Use(Purpose.VERIFY_IDENTITY, frozenset({"person", "id_number"})),
        "show_business_file": Use(Purpose.SHOW_BUSINESS_FILE),
        "rate": Use(Purpose.RATE),
        "send_code": Use(Purpose.PROVE_OWNERSHIP, frozenset({"email"})),
    }
)


@dataclass(frozen=True, slots=True)
class Consent:
    """A row of the ledger, with what took it back.

    `of_submission` empty: it is about the enterprise; else about the values of that
    submission alone. `purpose` is a name of `Purpose`.
    """

    code: str
    uid: str
    of_submission: str
    purpose: str
    scope: tuple[str, ...]
    text_version: str
    text_sha256: bytes
    evidence_sha256: bytes
    granted_at: Instant
    recorded_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    actor: str

    def live(self, at: Instant) -> bool:
        """Returns whether it held at the instant, as far as the service knew then (3)."""
        return (
            self.granted_at <= at
            and self.recorded_at <= at
            and (self.expires_at is None or at < self.expires_at)
            and (self.revoked_at is None or at < self.revoked_at)
        )


@dataclass(frozen=True, slots=True)
class ConsentRef:
    """That a person agreed to this use. Given out by the ledger alone, for one instant.

    `fields` are those of the person's values that may be used.
    """

    code: str
    uid: str
    function: str
    at: Instant
    fields: frozenset[str]


def covering(
    ledger: Iterable[Consent], use: Use, *, of_submission: str, at: Instant
) -> Consent | None:
    """Returns a consent that covers the use at the instant, or None (3)."""
    for consent in ledger:
        if (
            consent.purpose == use.purpose.value
            and consent.of_submission == of_submission
            and use.fields <= set(consent.scope)
            and consent.live(at)
        ):
            return consent
    return None


@dataclass(frozen=True, slots=True)
class Standing:
    """What may be done for an enterprise: its live purposes, and until when at most.

    `ends_at` is the first instant at which time alone ends one of them; None: never.
    """

    purposes: frozenset[str]
    ends_at: Instant | None


def standing(ledger: Iterable[Consent], at: Instant) -> Standing:
    """Returns what the ledger allows for the enterprise at the instant."""
    live = [consent for consent in ledger if not consent.of_submission and consent.live(at)]
    ends = [consent.expires_at for consent in live if consent.expires_at is not None]
    return Standing(frozenset(consent.purpose for consent in live), min(ends, default=None))


@dataclass(frozen=True, slots=True)
class PublishedText:
    """A text as it is shown. `effective_at` None: from the beginning.

    An empty digest: the deployment named the version alone, and shows the text elsewhere.
    """

    kind: str
    version: str
    effective_at: Instant | None
    sha256: bytes
    title: str
    text: str
    scope: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class RecordedAssent:
    """That somebody assented to a version of an agreement on behalf of an enterprise."""

    kind: str
    version: str
    assented_at: Instant
    actor: str


def consent_texts() -> tuple[PublishedText, ...]:
    """Returns the text of every purpose, in the order of the purposes."""
    return tuple(
        PublishedText(
            kind=purpose.value,
            version=text.version,
            effective_at=None,
            sha256=text.sha256,
            title=text.title,
            text=text.text,
            scope=tuple(sorted(text.scope)),
            required=text.required,
        )
        for purpose, text in TEXTS.items()
    )


def current_texts(published: Iterable[PublishedText], at: Instant) -> dict[str, PublishedText]:
    """Returns of each kind of agreement the text that is in effect at the instant."""
    current: dict[str, PublishedText] = {}
    for text in sorted(published, key=lambda text: text.effective_at or 0):
        if (text.effective_at or 0) <= at:
            current[text.kind] = text
    return current
