"""Everything that a signature will stand under besides the differential, before it is given.

It is taken from the same contents as the report, so that the screen and the report say the same.
"""

import streamlit as st

from core.access.people import Person
from core.review.case.cases import Case
from core.review.exchange.contents import CaseContents, gather
from core.review.exchange.notes import notes_of
from core.review.exchange.red_cell_words import proposals_of
from core.review.reading.grades import GRADES, PLATELETS
from core.review.record.review_store import review_store
from core.taxonomy import KINDS, title
from pages.parts.wording import percent, plain, several


def draw(who: Person, case: Case) -> None:
    """The sentences of :func:`sentences`, under their own heading."""
    st.markdown("**What is signed**" if case.is_closed else "**What will be signed**")
    st.markdown("\n".join(f"- {plain(sentence)}" for sentence in sentences(who, case)))


def sentences(who: Person, case: Case) -> list[str]:
    """Differential with its n, notes, counts with who confirmed them, grades, flags, comments."""
    contents = gather(review_store(), who, case.id)
    found = []
    if contents.fields:
        found.append(_differential(contents))
    found += notes_of(contents)
    if contents.fields:
        found += [_counts(contents), *_grades(contents), _flags(contents)]
    found.append(f"{several(len(contents.remarks), 'comment')}.")
    return found


def _differential(contents: CaseContents) -> str:
    counted = contents.standing.verified
    if not counted.leukocytes:
        return "Differential: not determined, no white cell was verified."
    rows = [row for row in counted.rows if row.cells and row.label != "neutrophil"]
    shares = ", ".join(f"{title(row.label).lower()} {percent(row.share)}" for row in rows)
    return f"Differential of {several(counted.leukocytes, 'white cell')}: {shares}."


def _counts(contents: CaseContents) -> str:
    fields = contents.counting_fields
    total = {kind: sum(contents.counts(field)[kind] for field in fields) for kind in KINDS}
    names = {name for field in fields for name in contents.confirmed.get(field.id, ())}
    number = sum(bool(contents.confirmed.get(field.id)) for field in fields)
    by = f" by {', '.join(sorted(names))}" if names else ""
    return (
        f"Counts in {several(len(fields), 'field')}: {several(total['rbc'], 'red cell')}, "
        f"{several(total['wbc'], 'white cell')}, {several(total['platelet'], 'platelet')}; boxes "
        f"confirmed in {number}{by}."
    )


def _grades(contents: CaseContents) -> list[str]:
    """What was assessed; what was not is among the notes."""
    abnormal = [
        f"{title(term).lower()} {GRADES[one.grade]}"
        for term, one in contents.grades.items()
        if term != PLATELETS and one.grade
    ]
    graded = sum(t != PLATELETS and g.grade is not None for t, g in contents.grades.items())
    found = []
    if graded:
        red = ", ".join(abnormal) or "normal"
        found.append(f"Red cells: {red} ({several(graded, 'term')} graded).")
    waiting = [one for one in proposals_of(contents.red_cells) if one.is_open]
    if waiting:
        words = ", ".join(f"{title(one.term).lower()} {one.words()}" for one in waiting)
        found.append(f"Proposed by the program and graded by no reader: {words}.")
    platelets = contents.grades.get(PLATELETS)
    if platelets and platelets.words:
        found.append(f"Platelets: {platelets.words.replace('_', ' ')}.")
    return found


def _flags(contents: CaseContents) -> str:
    codes = sorted({code for field in contents.counting_fields for code in field.flag_codes})
    # As the report words them.
    words = (code.replace("_", " ").replace("wbc", "white cell") for code in codes)
    return f"Flags of the program on the fields that count: {', '.join(words) or 'none'}."
