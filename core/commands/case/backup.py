"""``python -m core cases backup`` and ``restore``: a verified copy of the whole installation."""

from pathlib import Path
from typing import Annotated

import typer

from core.commands.terminal import stop


def backup(to: Annotated[Path, typer.Argument(help="an empty or new folder")]) -> None:
    """Copy cases, pictures, models and trainings into a folder, and verify the copy.

    People can go on working meanwhile.
    """
    from core.access.people import AT_THE_TERMINAL
    from core.review.record.backup import BackupRefused, back_up
    from core.review.record.review_store import review_store
    from core.store.database import DatabaseRefused

    try:
        made, found = back_up(review_store(), AT_THE_TERMINAL, to)
    except (BackupRefused, DatabaseRefused) as refusal:
        stop(refusal)
    except OSError as error:
        stop(f"cannot write the backup: {error.strerror or error} ({error.filename})")
    print(
        f"{to}: {sum(made.rows.values())} rows, {len(made.files)} files, {found.pictures} pictures "
        f"of cases; everything matches the ledger\nhead {found.head}"
    )


def restore(
    source: Annotated[Path, typer.Argument(help="a folder that backup has written")],
) -> None:
    """Fill an empty installation from a backup, and verify it."""
    from core.access.people import AT_THE_TERMINAL
    from core.review.record import backup as backups
    from core.review.record.review_store import review_store
    from core.store.database import DatabaseRefused

    try:
        backups.read_backup(source)  # before a database is made for it
        made, found = backups.restore(review_store(), AT_THE_TERMINAL, source)
    except (backups.BackupRefused, DatabaseRefused) as refusal:
        stop(refusal)
    except OSError as error:
        stop(f"cannot restore: {error.strerror or error} ({error.filename})")
    print(
        f"restored the backup of {made.made_at} by {made.made_by}: {sum(made.rows.values())} rows, "
        f"{len(made.files)} files\nhead {found.head}"
    )
    if not found.is_sound:
        stop(f"the records do not match the ledger: {found.tampered[0].message}")
