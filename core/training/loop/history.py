"""The epochs of a run in its folder: ``epochs.jsonl``, a copy of what the checkpoint holds.

The checkpoint is the truth and the file is rewritten whole from it, so that a run that is
killed between the two writes and repeats an epoch has every row exactly once.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

from core.files import write_atomically
from core.store.run_records import Epoch

__all__ = ["FILE", "Epoch", "as_history", "read_history", "write_history"]

FILE: Final = "epochs.jsonl"


def write_history(folder: Path, rows: Sequence[Epoch]) -> None:
    """Replace the file, atomically."""
    text = "".join(json.dumps(asdict(row)) + "\n" for row in rows)
    write_atomically(folder / FILE, text)


def read_history(folder: Path) -> list[Epoch]:
    """The rows in order; none where the folder has no such file."""
    file = folder / FILE
    lines = file.read_text().splitlines() if file.is_file() else []
    return as_history([json.loads(line) for line in lines])


def as_history(rows: Sequence[Mapping[str, Any]]) -> list[Epoch]:
    """Rows from their JSON form; keys of later versions are left out."""
    known = {field.name for field in fields(Epoch)}
    return [Epoch(**{k: v for k, v in row.items() if k in known}) for row in rows]
