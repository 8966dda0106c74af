"""Palm answers as files to take away."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Final

from core.records import PalmCall
from core.slide.palm_words import RESEARCH
from core.slide.tables import disclaimer, inert

_COLUMNS = (
    "file", "decision", "anemia_probability", "low", "high", "prevalence", "research_result",
    "flags", "model",
)  # fmt: skip


AcceptanceOf = Callable[[PalmCall], str]
"""Has this laboratory accepted the model of a call, as in :mod:`core.slide.tables`."""

_ACCEPTANCE: Final = "lab_acceptance"


def calls_csv(calls: Sequence[PalmCall], acceptance: AcceptanceOf | None = None) -> str:
    """One line for each palm; the probabilities hold for the prevalence of their line.

    The column ``lab_acceptance`` is there where ``acceptance`` is given.
    """
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow([*_COLUMNS, *([_ACCEPTANCE] if acceptance else []), "note"])
    for call in calls:
        row = call.as_json() | {"flags": " ".join(flag.code for flag in call.flags)}
        row["file"] = inert(call.file)
        note = f"{RESEARCH}. {disclaimer()}" if call.research_result else disclaimer()
        status = [acceptance(call)] if acceptance else []
        table.writerow([*(row[column] for column in _COLUMNS), *status, note])
    return out.getvalue()


def calls_json(calls: Sequence[PalmCall], acceptance: AcceptanceOf | None = None) -> str:
    """The same as the palm command prints with ``--json``, in one list."""
    rows = [
        call.as_json() | ({_ACCEPTANCE: acceptance(call)} if acceptance else {}) for call in calls
    ]
    return json.dumps(rows, indent=2) + "\n"
