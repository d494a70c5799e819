"""The settings, read once at start from BONAFIDES_* variables.

`docs/operations.md` lists each with its unit and default; a test compares.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

Payer = Literal["anonymous", "member", "group", "platform", "integrator", "operator"]
# A bucket fills by a token each microsecond at most.
Calls = Annotated[int, Field(ge=1, le=60_000_000)]
Enterprises = Annotated[int, Field(ge=1, le=1_000_000_000)]


class SettingsError(Exception):
    """The process can't start like this. The text says what is wrong and the remedy."""


class OidcIssuer(BaseModel):
    """An OIDC issuer whose access tokens count. Immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Where its keys are published, https; or a file that holds them.
    jwks: str
    # The claim and the value in it by which it names our staff; empty: it names none.
    operator_claim: str = ""
    operator_value: str = ""
    # PEM of the certificates to trust for that address; unset: those of this machine.
    root_certificates: Path | None = None


class Settings(BaseSettings):
    """How one process serves one environment. Immutable."""

    model_config = SettingsConfigDict(env_prefix="BONAFIDES_", frozen=True, extra="forbid")

    environment: Literal["sandbox", "live"] = Field(
        default="sandbox", description="The environment; sandbox and live share nothing."
    )
    data_dir: Path = Field(
        default=Path(".bonafides"),
        description="Folder of the SQLite database and of a first run's keys.",
    )
    database_url: str = Field(
        default="", description="SQLAlchemy URL; empty means SQLite in the data folder."
    )
    listen: str = Field(
        default="127.0.0.1:50051", description="Address and port that gRPC is served on."
    )
    tls_certificate: Path | None = Field(
        default=None, description="PEM certificate chain; needed to listen outside loopback."
    )
    tls_key: Path | None = Field(default=None, description="PEM private key of the certificate.")
    threads: int = Field(
        default=8,
        ge=1,
        le=64,
        description="Threads that run calls; twice as many calls are admitted.",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Processes that serve the port together; one per core at most.",
    )
    default_deadline_seconds: float = Field(
        default=2.0, gt=0, le=60, description="Deadline of a call that brings none, in seconds."
    )
    drain_seconds: float = Field(
        default=5.0, gt=0, le=300, description="Time for calls under way after SIGTERM, in seconds."
    )
    issuers: dict[str, Path] = Field(
        default_factory=dict,
        description="Issuers of access tokens, each with the PEM file of its Ed25519 public key.",
    )
    oidc_issuers: dict[str, OidcIssuer] = Field(
        default_factory=dict,
        description="OIDC issuers of people's access tokens, each with its published keys.",
    )
    audience: str = Field(
        default="",
        description="The aud that tokens must name; empty means bonafides-<environment>.",
    )
    agreement_version: str = Field(
        default="2026-11-01",
        description="The version of the agreement in effect until one is published.",
    )
    submissions_per_day: int = Field(
        default=20, ge=1, description="Submissions that one submitter may make in 24 hours."
    )
    verification_days: int = Field(
        default=365,
        ge=1,
        description="Term of a verification, in days; after it the identity is LAPSED.",
    )
    sources: Path | None = Field(
        default=None,
        description="TOML file of the sources that are asked after the registry's table.",
    )
    source_seconds: float = Field(
        default=1.0,
        gt=0,
        le=30,
        description="Time that one source has for its answer while a caller waits, in seconds.",
    )
    worker_seconds: float = Field(
        default=5.0,
        gt=0,
        description="Pause between two rounds of the background work, in seconds.",
    )
    smtp_server: str = Field(
        default="",
        description="Host and port of the mail server of live; empty: no codes are sent.",
    )
    smtp_sender: str = Field(default="", description="Address that mail is sent from.")
    smtp_user: str = Field(default="", description="Login at the mail server; empty: none.")
    smtp_password_file: Path | None = Field(
        default=None, description="File that holds the password at the mail server."
    )
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How mail is encrypted; none is for loopback alone."
    )
    documents_per_day: int = Field(
        default=40, ge=1, description="Copies of licences that one uploader may store in 24 hours."
    )
    site_url: str = Field(
        default="http://127.0.0.1:8080",
        description="Address of the website, to which the links of integrators lead.",
    )
    models_dir: Path | None = Field(
        default=None,
        description="Folder of scorecards; unset means those that come with the package.",
    )
    card_key: Path | None = Field(
        default=None,
        description="PEM Ed25519 public key that must have signed the champion; live needs it.",
    )
    receipt_key: Path | None = Field(
        default=None,
        description="PEM Ed25519 private key that signs receipts; unset in live: none are signed.",
    )
    sandbox_key: Path | None = Field(
        default=None,
        description="PEM Ed25519 public key of the sandbox whose acceptances live takes.",
    )
    calls_per_minute: dict[Payer, Calls] = Field(
        default_factory=dict,
        description="Calls a minute by kind of payer, where they are not those of docs/limits.md.",
    )
    enterprises_per_day: dict[Payer, Enterprises] = Field(
        default_factory=dict,
        description="Distinct enterprises a day by kind of payer, where others than usual.",
    )
    contract_enterprises: dict[str, Enterprises] = Field(
        default_factory=dict,
        description="Distinct enterprises a day of platforms whose contracts give a number.",
    )
    budget_processes: int = Field(
        default=8,
        ge=1,
        description="Processes on one database; the public has such a part while it is away.",
    )
    budget_seconds: float = Field(
        default=0.25,
        gt=0,
        le=60,
        description="Time that the public waits for a lease of its budget, in seconds.",
    )
    trusted_proxies: list[str] = Field(
        default_factory=list,
        description="Addresses of proxies whose x-forwarded-for tells the caller's address.",
    )
    token_key: Path | None = Field(
        default=None,
        description="PEM Ed25519 private key that signs applications' tokens; unset in live: none.",
    )

    web_listen: str = Field(
        default="127.0.0.1:8080", description="Address and port that the website is served on."
    )
    web_origin: str = Field(
        default="",
        description="How browsers reach the website, as https://host; empty: by web_listen.",
    )
    web_issuer: str = Field(
        default="",
        description="OpenID Connect provider to log in at; empty: the sandbox's own.",
    )
    web_client_id: str = Field(default="", description="The name of the website at that provider.")
    web_client_secret_file: Path | None = Field(
        default=None, description="File that holds the website's secret at the provider."
    )
    web_scope: str = Field(
        default="openid",
        description="What logins ask for; with offline_access tokens are renewed.",
    )
    web_resource: str = Field(
        default="",
        description="How the provider calls this service (RFC 8707); empty: it is not named.",
    )
    web_issuer_certificates: Path | None = Field(
        default=None,
        description="PEM of the certificates to trust for that provider; empty: this machine's.",
    )

    @property
    def url(self) -> str:
        """The SQLAlchemy URL of the database."""
        return self.database_url or f"sqlite:///{self.data_dir / 'bonafides.db'}"

    @property
    def token_audience(self) -> str:
        """The aud that access tokens must name."""
        return self.audience or f"bonafides-{self.environment}"


def read(**given: Any) -> Settings:
    """Returns the settings: what is given and not None, else variables, else defaults.

    Raises:
        SettingsError: a value can't stand. The text names the variable and the rule,
            never the value, which may be a password.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as faults:
        told = "; ".join(
            f"BONAFIDES_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}"
            for fault in faults.errors(include_input=False, include_url=False)
        )
        raise SettingsError(f"{told}. docs/operations.md lists the settings.") from None
    except ValueError as fault:
        # The library's text names the field, and quotes nothing of the value.
        named = re.search(r'field "(\w+)"', str(fault))
        name = named[1].upper() if named else "*"
        message = f"BONAFIDES_{name} must be JSON. docs/operations.md lists the settings."
        raise SettingsError(message) from None
