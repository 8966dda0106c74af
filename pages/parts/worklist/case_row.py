"""A row of the worklist as one piece of HTML: of a hundred elements the browser is slow to draw."""

from html import escape
from typing import Final

from core.access.people import Person
from core.review.case.cases import Case
from core.review.case.worklist import WorklistRow
from pages.parts.review import case_words
from pages.parts.wording import several

WIDTHS: Final = (1.6, 2.6, 2.6, 1.6, 2)
"""Of the columns, as ``.work-row`` in screen.css has them."""

_URGENCY: Final = {"doubt": "check"}


def case_row(row: WorklistRow, who: Person) -> str:
    """Urgency, case, what was found, how much is reviewed, who has it; all words are escaped."""
    case = row.case
    state = f"<i class='work-mark{' work-closed' if case.is_closed else ''}'>"
    columns = (
        f"<i class='work-mark work-{row.priority}'>{_URGENCY.get(row.priority, row.priority)}</i>",
        f"<strong>{escape(case.accession)}</strong> {state}{case_words.state(case)}</i>"
        + _small(case_words.patient_words(case)),
        ", ".join(_pictures(row)) + _small(", ".join(_found(row))),
        _reviewed(row),
        "".join(_standing(row, case, who)),
    )
    return f"<div class=work-row>{''.join(f'<div>{one}</div>' for one in columns)}</div>"


def _small(words: str) -> str:
    return f"<small>{escape(words)}</small>"


def _pictures(row: WorklistRow) -> list[str]:
    parts = [several(row.fields, "field")] if row.fields else []
    parts += [several(row.palms, "palm photo")] if row.palms else []
    return parts or ["no picture yet"]


def _found(row: WorklistRow) -> list[str]:
    notes = []
    if row.critical:
        notes.append(several(row.critical, "critical cell"))
    if row.critical_seen:
        notes.append(several(row.critical_seen, "critical abnormality", "critical abnormalities"))
    if row.disagreement:
        notes.append("the readers differ")
    if row.doubtful and not row.case.is_closed:
        notes.append(f"{several(row.doubtful, 'cell')} to check")
    if row.unsure_fields and not row.case.is_closed:
        notes.append(f"counts of {several(row.unsure_fields, 'field')} to check")
    return notes


def _reviewed(row: WorklistRow) -> str:
    if not row.white_cells:
        return "no white cell"
    share = 100 * row.reviewed / row.white_cells
    bar = f"<i class=work-bar><i style='width:{share:.0f}%'></i></i>"
    return f"{row.reviewed} of {row.white_cells}{bar}"


def _standing(row: WorklistRow, case: Case, who: Person) -> list[str]:
    """Who has the case and how long it waits, or who signed it and when; and its date."""
    received = f"{case.created_at:%d %b %Y}"
    if case.is_closed and row.signed_at is not None:
        signed = f"Signed by {escape(row.signed_name)}, {row.signed_at:%d %b %Y}"
        return [signed, _small(f"received {received}")]
    lines = [escape(case_words.holder_words(case, who))]
    lines.append(_small(f"waiting {case_words.ago(row.waiting_since)}, since {received}"))
    if row.signed_at is not None:
        lines.append(_small(f"last signed by {row.signed_name}, {row.signed_at:%d %b %Y}"))
    return lines
