"""The sections of a report that hold the findings of a smear."""

from collections import Counter
from dataclasses import replace
from statistics import fmean
from typing import Final

from core.review.case.patient import deltas, exceeding
from core.review.exchange.contents import CaseContents
from core.review.exchange.notes import (
    NOT_ASSESSED,
    abnormality_words,
    critical_cells,
    preliminary_sentence,
    target_sentence,
)
from core.review.exchange.paper import CRITICAL
from core.review.exchange.red_cell_words import proposed_red_cells
from core.review.exchange.report_page import Bar, ReportForm
from core.review.reading.abnormalities import Seen
from core.review.reading.cells import ReviewCell
from core.review.reading.grades import GRADES, PLATELETS
from core.slide import judgement
from core.slide.differential import DifferentialRow
from core.taxonomy import KINDS, answer_labels, is_critical, is_leukocyte, title

_MOST_PICTURES: Final = 16
_PER_ROW: Final = 8
_SHORT: Final = {"rbc": "RBC", "wbc": "WBC", "platelet": "Platelets"}


def critical(paper: ReportForm, contents: CaseContents) -> None:
    """Critical cells and abnormalities as pictures, and who was told; nothing without any."""
    found = critical_cells(contents)
    seen = [one for one in contents.seen if one.is_critical]
    if found or seen:
        paper.heading("Critical cells" if not seen else "Critical findings")
    if found:
        paper.say(f"{_critical_words(found)}.", bold=True, colour=CRITICAL)
        _pictures(paper, contents, found[:_MOST_PICTURES])
        if len(found) > _MOST_PICTURES:
            paper.small(f"The first {_MOST_PICTURES} of {len(found)} are shown.")
    if seen:
        words = [text for is_critical, text in abnormality_words(contents) if is_critical]
        paper.say(f"Seen: {', '.join(words)}.", bold=True, colour=CRITICAL)
        _places(paper, contents, seen)
    if contents.calls:
        paper.heading("Calls about critical findings")
        for one in contents.calls:
            paper.say(one.sentence)


def _critical_words(found: list[ReviewCell]) -> str:
    sure = sum(cell.label is not None for cell in found)
    words = f"{len(found)} critical white {'cell' if len(found) == 1 else 'cells'}: " + ", ".join(
        f"{n} {'called ' if not is_critical(label) else ''}{title(label).lower()}"
        for label, n in sorted(Counter(_label(cell) for cell in found).items())
    )
    if any(not is_critical(_label(cell)) for cell in found):
        words += " (a blast or an immature granulocyte cannot be excluded)"
    if sure < len(found):
        words += f"; {len(found) - sure} of them not reviewed by a person"
    return words


def _places(paper: ReportForm, contents: CaseContents, seen: list[Seen]) -> None:
    """The cells and fields in which something was seen, each once."""
    cells = {cell.id: cell for cell in contents.cells}
    fields = {picture.id: picture for picture in contents.fields}
    numbers = {picture.id: n for n, picture in enumerate(contents.fields, start=1)}
    shown = [one for one in seen if one.cell_id in cells or one.cell_id is None][:_MOST_PICTURES]
    of_cells = [one for one in shown if one.cell_id is not None]
    crops = contents.crops([cells[int(one.cell_id or 0)] for one in of_cells], 0.3)
    found = [
        (crop, f"{one.title}\nfield {numbers[one.picture_id]}")
        for one, crop in zip(of_cells, crops, strict=True)
    ]
    found += [
        (
            contents.view(fields[one.picture_id])
            if one.box_xyxy_px is None
            else contents.place(fields[one.picture_id], one.box_xyxy_px),
            f"{one.title}\nfield {numbers[one.picture_id]}",
        )
        for one in shown
        if one.cell_id is None and one.picture_id in fields
    ]
    if found:
        paper.cells(found, _PER_ROW)


def abnormalities(paper: ReportForm, contents: CaseContents) -> None:
    """What else was seen in cells and fields, with its pictures; nothing without any."""
    seen = [one for one in contents.seen if not one.is_critical]
    if not seen:
        return
    paper.heading("Also seen")
    words = [text for is_critical, text in abnormality_words(contents) if not is_critical]
    paper.say(f"{', '.join(words)}.")
    _places(paper, contents, seen)


def typical(paper: ReportForm, contents: CaseContents) -> None:
    """One cell of each class of the differential that the model and a person called alike."""
    best: dict[str, ReviewCell] = {}
    for cell in contents.cells:
        label = _label(cell) if contents.released else cell.label
        if cell.kind != "wbc" or not cell.included or label is None or not is_leukocyte(label):
            continue
        if label not in best or _sureness(cell) > _sureness(best[label]):
            best[label] = cell
    chosen = [best[label] for label in answer_labels() if label in best]
    if not chosen:
        return
    paper.heading("A cell of each class")
    _pictures(paper, contents, chosen[:_MOST_PICTURES])


def _sureness(cell: ReviewCell) -> float:
    call = cell.call
    return call.probability if call is not None and call.label == _label(cell) else 0.0


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
    elif contents.is_below_target:
        paper.say(target_sentence(contents), bold=True)
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
                _usual(contents, row),
                *_earlier(contents, row),
                f"{100 * first.share:.1f}" if first else "not determined",
            ]
        )
    strong = [n for n, r in enumerate(verified.rows) if is_critical(r.label) and r.cells]
    paper.grid(
        (
            "Class",
            "Cells",
            "%",
            "95 % interval",
            "Usual, %",
            *(("Previous, %",) if contents.previous else ()),
            "Program alone, %",
        ),
        rows,
        (34, 10, 10, 20, 16, *((14,) if contents.previous else ()), 18),
        numbers=(1, 2, 3, 4, 5, 6)[: 6 if contents.previous else 5],
        emphasised=strong,
    )
    paper.bars([_bar(contents, row) for row in verified.rows if row.cells])
    others = ", ".join(f"{n} {title(label).lower()}" for label, n in verified.not_counted.items())
    by = "as the program called them" if contents.released else "verified by a person"
    note = f"{verified.leukocytes} leukocytes {by}; exact (Clopper-Pearson) intervals."
    if others:
        note += f" Not in the differential: {others}."
    if standing.unidentified:
        note += f" {white_cells(standing.unidentified)} could not be identified."
    left = standing.white_cells - standing.reviewed
    if left and not contents.released:
        were = "was not reviewed and is" if left == 1 else "were not reviewed and are"
        note += f" {white_cells(left)} {were} left out."
    paper.small(note)
    if contents.usual.percent:
        whose = "this laboratory's" if contents.usual.are_own else "a usual set for adults"
        paper.small(
            f"Usual percent: {whose}. Bars: share, its interval, and in grey what is usual."
        )
    _previous_note(paper, contents)
    if contents.laboratory.is_foreign:
        paper.small(contents.laboratory.sentence())


def _usual(contents: CaseContents, row: DifferentialRow) -> str:
    limits = contents.usual.percent.get(row.label)
    if limits is None:
        return ""
    # A mark only where the whole interval lies beyond: of few cells nearly every share is.
    low, high = 100 * row.interval.low, 100 * row.interval.high
    beyond = " low" if high < limits[0] else " high" if low > limits[1] else ""
    return f"{limits[0]:g} to {limits[1]:g}{beyond}"


def _earlier(contents: CaseContents, row: DifferentialRow) -> tuple[str, ...]:
    previous = contents.previous
    if previous is None:
        return ()
    if not previous.leukocytes:
        return ("not determined",)
    return (f"{100 * previous.cells.get(row.label, 0) / previous.leukocytes:.1f}",)


def _previous_note(paper: ReportForm, contents: CaseContents) -> None:
    previous = contents.previous
    if previous is None:
        return
    counted = contents.standing.verified
    now = replace(
        previous,
        leukocytes=counted.leukocytes,
        cells={row.label: row.cells for row in counted.rows},
    )
    changed = ", ".join(
        f"{title(one.label).lower()} {one.points:+.0f} points"
        for one in exceeding(deltas(previous, now))
        if one.points is not None
    )
    paper.small(
        f"Previous: {previous.accession}, {previous.received_at:%d %b %Y}, "
        f"{white_cells(previous.leukocytes)}. Changes that exceed chance: {changed or 'none'}."
    )


def _bar(contents: CaseContents, row: DifferentialRow) -> Bar:
    name = title(row.label) if row.is_part_of is None else f"  {title(row.label)}"
    limits = row.interval
    usual = contents.usual.percent.get(row.label)
    return Bar(name, 100 * row.share, 100 * limits.low, 100 * limits.high, usual)


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
    proposed_red_cells(paper, contents.red_cells)
    words = platelets.words.replace("_", " ") if platelets and platelets.words else NOT_ASSESSED
    paper.say(f"Platelets: {words}.")


def white_cells(number: int) -> str:
    """``1 white cell``, ``12 white cells``."""
    return f"{number} white {'cell' if number == 1 else 'cells'}"
