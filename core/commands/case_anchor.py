"""``python -m core cases anchor``: a line of the ledger's head, to be kept elsewhere."""

from pathlib import Path
from typing import Annotated

import typer

from core.commands.terminal import stop

KeyFile = Annotated[
    Path | None, typer.Option("--key", help="file with the key that lines are signed with")
]


def anchor(
    to: Annotated[
        Path | None, typer.Option(help="file to add the line to, best on another machine")
    ] = None,
    key: KeyFile = None,
) -> None:
    """Print the ledger's head as a line, or add it to a file; ``verify --anchor`` reads it."""
    from core.review.record import anchors
    from core.review.record.errors import LedgerBroken
    from core.review.record.review_store import review_store
    from core.store.database import DatabaseRefused

    try:
        signed_with = None if key is None else anchors.read_key(key)
        text = anchors.line(review_store(), signed_with)
        if to is not None:
            anchors.append(to, text)
    except (anchors.AnchorRefused, DatabaseRefused, LedgerBroken) as refusal:
        stop(refusal)
    except OSError as error:
        stop(f"{error.filename}: {error.strerror or error}")
    print(text)
