"""The sections of a report that hold the findings of a smear."""

from collections import Counter
from statistics import fmean
from typing import Final

from core.review.exchange.contents import CaseContents
from core.review.exchange.notes import NOT_ASSESSED, critical_cells, preliminary_sentence
from core.review.exchange.paper import CRITICAL
from core.review.exchange.report_page import ReportForm
from core.review.reading.cells import ReviewCell
from core.review.reading.grades import GRADES, PLATELETS
from core.slide import judgement
from core.taxonomy import KINDS, is_critical, title

_MOST_PICTURES: Final = 16
_PER_ROW: Final = 8
_SHORT: Final = {"rbc": "RBC", "wbc": "WBC", "platelet": "Platelets"}


def critical(paper: ReportForm, contents: CaseContents) -> None:
    """The critical cells as pictures, with the class each was given; nothing without any."""
    found = critical_cells(contents)
    if not found:
        return
    paper.heading("Critical cells")
    sure = sum(cell.label is not None for cell in found)
    words = f"{len(found)} critical white {'cell' if len(found) == 1 else 'cells'}: " + ", ".join(
        f"{n} {'called ' if not is_critical(label) else ''}{title(label).lower()}"
        for label, n in sorted(Counter(_label(cell) for cell in found).items())
    )
    if any(not is_critical(_label(cell)) for cell in found):
        words += " (a blast or an immature granulocyte cannot be excluded)"
    if sure < len(found):
        words += f"; {len(found) - sure} of them not reviewed by a person"
    paper.say(f"{words}.", bold=True, colour=CRITICAL)
    _pictures(paper, contents, found[:_MOST_PICTURES])
    if len(found) > _MOST_PICTURES:
        paper.small(f"The first {_MOST_PICTURES} of {len(found)} are shown.")


def _pictures(paper: ReportForm, contents: CaseContents, cells: list[ReviewCell]) -> None:
    fields = {picture.id: n for n, picture in enumerate(contents.fields, start=1)}
    words = [f"{title(_label(cell))}\nfield {fields[cell.picture_id]}" for cell in cells]
    paper.cells(list(zip(contents.crops(cells, 0.3), words, strict=True)), _PER_ROW)


def _label(cell: ReviewCell) -> str:
    return cell.label or (cell.call.label if cell.call else "not_determined")


def differential(paper: ReportForm, contents: CaseContents) -> None:
    """The verified differential with its intervals, beside what the program alone proposed."""
    standing = contents.standing
    paper.heading("White-cell differential")
    verified = standing.verified
    if contents.is_preliminary:
        paper.say(preliminary_sentence(contents), bold=True, colour=CRITICAL)
    if not verified.leukocytes:
        paper.say("Not determined: no white cell was verified.")
        return
    before = {row.label: row for row in standing.proposed.rows}
    rows = []
    for row in verified.rows:
        first = before.get(row.label)
        name = title(row.label) if row.is_part_of is None else f"    {title(row.label)}"
        rows.append(
            [
                name,
                str(row.cells),
                f"{100 * row.share:.1f}",
                f"{100 * row.interval.low:.1f} to {100 * row.interval.high:.1f}",
                f"{100 * first.share:.1f}" if first else "not determined",
            ]
        )
    strong = [n for n, r in enumerate(verified.rows) if is_critical(r.label) and r.cells]
    paper.grid(
        ("Class", "Cells", "%", "95 % interval", "Program alone, %"),
        rows,
        (36, 12, 12, 22, 18),
        numbers=(1, 2, 3, 4),
        emphasised=strong,
    )
    others = ", ".join(f"{n} {title(label).lower()}" for label, n in verified.not_counted.items())
    note = (
        f"{verified.leukocytes} leukocytes verified by a person; exact (Clopper-Pearson) intervals."
    )
    if others:
        note += f" Not in the differential: {others}."
    if standing.unidentified:
        note += f" {white_cells(standing.unidentified)} could not be identified."
    left = standing.white_cells - standing.reviewed
    if left:
        were = "was not reviewed and is" if left == 1 else "were not reviewed and are"
        note += f" {white_cells(left)} {were} left out."
    paper.small(note)
    if contents.laboratory.is_foreign:
        paper.small(contents.laboratory.sentence())


def counts(paper: ReportForm, contents: CaseContents) -> None:
    """Cells in the fields that count, and which fields are left out."""
    paper.heading("Cells in the fields")
    out = judgement.left_out_sentence(len(contents.fields), contents.left_out)
    if out:
        paper.say(out, bold=True)
    counted = [contents.counts(picture) for picture in contents.counting_fields]
    if not counted:
        paper.say("Not determined: no field counts.")
        return
    rows = []
    for kind in KINDS:
        numbers = [count[kind] for count in counted]
        rows.append(
            [
                _SHORT[kind],
                str(sum(numbers)),
                f"{fmean(numbers):.1f}",
                f"{min(numbers)} to {max(numbers)}",
            ]
        )
    paper.grid(("Kind", "Cells", "Mean per field", "Range"), rows, (30, 20, 25, 25),
               numbers=(1, 2, 3))  # fmt: skip
    codes = sorted({code for picture in contents.counting_fields for code in picture.flag_codes})
    confirmed = sum(bool(contents.confirmed.get(p.id)) for p in contents.counting_fields)
    fields = len(counted)
    note = f"{fields} {'field' if fields == 1 else 'fields'}, every visible cell counted."
    note += f" A person confirmed the boxes of {confirmed or 'none'} of them."
    if codes:
        words = (code.replace("_", " ").replace("wbc", "white cell") for code in codes)
        note += f" Flagged by the program before the review: {', '.join(words)}."
    paper.small(note)


def morphology(paper: ReportForm, contents: CaseContents) -> None:
    """Graded red-cell findings and the platelets' estimate; "not assessed" where nobody looked."""
    graded = {t: g for t, g in contents.grades.items() if t != PLATELETS and g.grade is not None}
    platelets = contents.grades.get(PLATELETS)
    paper.heading("Red-cell morphology and platelets")
    seen = [(title(t), g.grade) for t, g in graded.items() if g.grade]
    if seen:
        rows = [[name, f"{grade} of 3", GRADES[grade]] for name, grade in seen if grade]
        paper.grid(("Finding", "Grade", "In words"), rows, (50, 20, 30))
    normal = sum(not grade.grade for grade in graded.values())
    if graded:
        paper.small(f"{normal} of {len(graded)} graded terms are normal. Grades after ICSH 2015.")
    else:
        paper.say(f"Red cells: {NOT_ASSESSED}.")
    words = platelets.words.replace("_", " ") if platelets and platelets.words else NOT_ASSESSED
    paper.say(f"Platelets: {words}.")


def white_cells(number: int) -> str:
    """``1 white cell``, ``12 white cells``."""
    return f"{number} white {'cell' if number == 1 else 'cells'}"
