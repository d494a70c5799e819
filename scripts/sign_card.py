"""Signs a sealed scorecard with the key `card.pem` of the data folder.

    python scripts/sign_card.py expert-2 --public-key card-public.pem
    BONAFIDES_CARD_KEY=card-public.pem bonafides serve

Writes `scorecard.json.sig` beside the artifact. In the sandbox the key is made on first
use, with a warning; live brings its own (`openssl genpkey -algorithm ed25519`, mode
0600), best on a machine that serves nothing. A server trusts the public key alone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from rich.console import Console

# The folder above, so that the scripts find one another when run by path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bonafides.card_keys import card_signing_key
from bonafides.rating import signature
from bonafides.rating.scorecard import ARTIFACT, ScorecardError, is_version, load, models_folder
from scripts.operating import DataDir, read_settings, telling

app = typer.Typer(add_completion=False, help=__doc__)


@app.command()
def main(
    version: Annotated[str, typer.Argument(help="The sealed version, such as expert-2.")],
    *,
    public_key: Annotated[
        Path | None, typer.Option(help="Where to write the public key, as PEM.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Signs a sealed scorecard."""
    with telling("Not signed", OSError):
        settings = read_settings(data_dir)
        folder = models_folder(settings.models_dir)
        if not is_version(version):
            raise ScorecardError(str(folder), version, "is no version, such as expert-1")
        card = load(folder, version)
        key = card_signing_key(settings)
        file = signature.file_of(folder / version / ARTIFACT)
        # Whole or not at all: a server that starts now must not read half of it.
        partial = file.with_name(f".{file.name}.new")
        partial.write_bytes(signature.signed(card.artifact, key))
        partial.replace(file)
        if public_key is not None:
            pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            public_key.write_bytes(pem)
    Console(stderr=True).print(f"Signed {file}\nSHA-256 {card.digest}", markup=False)


if __name__ == "__main__":
    app()
