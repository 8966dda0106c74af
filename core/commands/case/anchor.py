"""``python -m core cases anchor``: a line of the ledger's head, to be kept elsewhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands.terminal import stop

if TYPE_CHECKING:
    from core.review.record.ledger import Head

KeyFile = Annotated[
    Path | None, typer.Option("--key", help="file with the key that lines are signed with")
]
Authority = Annotated[
    Path | None,
    typer.Option("--tsa-ca", help="certificates (PEM) that vouch for the time stamps"),
]


def anchor(
    to: Annotated[
        Path | None, typer.Option(help="file to add the line to, best on another machine")
    ] = None,
    key: KeyFile = None,
    tsa: Annotated[
        str | None,
        typer.Option(help="address of a time stamping authority (RFC 3161); needs --tsa-ca"),
    ] = None,
    tsa_ca: Authority = None,
) -> None:
    """Print the ledger's head as a line, or add it to a file; ``verify --anchor`` reads it."""
    if (tsa is None) != (tsa_ca is None):
        stop("--tsa and --tsa-ca belong together: a stamp is verified before it is written")
    if tsa_ca is not None and not tsa_ca.is_file():
        stop(f"--tsa-ca: no such file: {tsa_ca}")
    from core.review.record import anchors
    from core.review.record.errors import LedgerBroken
    from core.review.record.review_store import review_store
    from core.review.record.time_stamps import StampRefused, stamp
    from core.store.database import DatabaseRefused

    try:
        signed_with = None if key is None else anchors.read_key(key)
        text = anchors.line(review_store(), signed_with)
        if tsa is not None and tsa_ca is not None:
            text += f"\n{stamp(text, tsa, tsa_ca)}"
        if to is not None:
            anchors.append(to, text)
    except (anchors.AnchorRefused, StampRefused, DatabaseRefused, LedgerBroken) as refusal:
        stop(refusal)
    except OSError as error:
        stop(f"{error.filename}: {error.strerror or error}")
    print(text)


def heads_kept(file: Path | None, key: Path | None, authority: Path | None) -> "list[Head]":
    """The heads of ``verify --anchor``, none without it; stops for a file that cannot be used."""
    if file is None:
        if key is not None or authority is not None:
            stop("--key and --tsa-ca are for the lines of --anchor")
        return []
    if authority is not None and not authority.is_file():
        stop(f"--tsa-ca: no such file: {authority}")
    from core.review.record import anchors

    try:
        signed_with = None if key is None else anchors.read_key(key)
        return anchors.heads_in(file, signed_with, authority)
    except anchors.AnchorRefused as refusal:
        stop(refusal)
    except OSError as error:
        stop(f"{error.filename}: {error.strerror or error}")
