"""Palm answers as files to take away."""

import csv
import io
import json
from collections.abc import Sequence

from core.records import PalmCall
from core.slide.palm_words import RESEARCH
from core.slide.tables import DISCLAIMER, inert

_COLUMNS = (
    "file", "decision", "anemia_probability", "low", "high", "prevalence", "research_result",
    "flags", "model",
)  # fmt: skip


def calls_csv(calls: Sequence[PalmCall]) -> str:
    """One line for each palm; the probabilities hold for the prevalence of their line."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow([*_COLUMNS, "note"])
    for call in calls:
        row = call.as_json() | {"flags": " ".join(flag.code for flag in call.flags)}
        row["file"] = inert(call.file)
        note = f"{RESEARCH}. {DISCLAIMER}" if call.research_result else DISCLAIMER
        table.writerow([*(row[column] for column in _COLUMNS), note])
    return out.getvalue()


def calls_json(calls: Sequence[PalmCall]) -> str:
    """The same as the palm command prints with ``--json``, in one list."""
    return json.dumps([call.as_json() for call in calls], indent=2) + "\n"
