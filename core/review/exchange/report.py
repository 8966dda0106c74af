"""The PDF report of a case: findings with intervals, critical cells, models, signature, ledger."""

from __future__ import annotations

from collections import Counter
from statistics import fmean
from typing import Final

from core.inference.palm.screening import can_be_judged
from core.records import Flag
from core.review.exchange.contents import CaseContents
from core.review.exchange.notes import (
    NOT_ASSESSED,
    acceptance_sentences,
    critical_cells,
    has_acceptance_mark,
    preliminary_sentence,
    readers_sentences,
)
from core.review.exchange.paper import CRITICAL, GREY, Paper
from core.review.exchange.report_page import ReportForm, ReportPage
from core.review.reading.cells import ReviewCell
from core.review.reading.grades import GRADES, PLATELETS
from core.settings import Settings
from core.slide import judgement, palm_words
from core.taxonomy import CRITICAL_CLASSES, KINDS, title

_MOST_PICTURES: Final = 16
_MOST_HASHES: Final = 20
_PER_ROW: Final = 8
_SHORT: Final = {"rbc": "RBC", "wbc": "WBC", "platelet": "Platelets"}


def case_report(contents: CaseContents, settings: Settings) -> bytes:
    """The report as a PDF; a draft carries DRAFT across every page.

    Raises:
        PictureLost: if a stored picture is gone or was changed.
    """
    paper = Paper(
        _title(contents),
        _reference(contents),
        settings,
        draft=contents.is_draft,
        made_at=contents.signature.signed_at if contents.signature else contents.made_at,
    )
    _write(paper, contents)
    return paper.done()


def case_page(contents: CaseContents, settings: Settings) -> str:
    """The same report as HTML, for the screen.

    Raises:
        PictureLost: if a stored picture is gone or was changed.
    """
    page = ReportPage(
        _title(contents), _reference(contents), settings.laboratory, draft=contents.is_draft
    )
    _write(page, contents)
    return page.done()


def _write(paper: ReportForm, contents: CaseContents) -> None:
    _who(paper, contents)
    if contents.fields:
        _critical(paper, contents)
        _differential(paper, contents)
        _counts(paper, contents)
        _morphology(paper, contents)
    _palms(paper, contents)
    _readers(paper, contents)
    _comments(paper, contents)
    _signature(paper, contents)
    _origin(paper, contents)


def _reference(contents: CaseContents) -> str:
    return f"Case {contents.case.accession}, version {contents.case.version}"


def _title(contents: CaseContents) -> str:
    if not contents.fields:
        return "Palm report"
    return "Preliminary blood smear report" if contents.is_preliminary else "Blood smear report"


def _who(paper: ReportForm, contents: CaseContents) -> None:
    case, signed = contents.case, contents.signature
    age = "not given" if case.age_years is None else f"{case.age_years} years"
    paper.facts(
        (
            ("Accession number", case.accession),
            ("Pseudonym", case.pseudonym),
            ("Sex", case.sex if case.sex != "unknown" else "not given"),
            ("Age", age),
            ("Received", f"{case.created_at:%d %b %Y %H:%M} UTC"),
            ("Version", str(case.version)),
        ),
        columns=3,
    )
    paper.facts((("Indication", case.indication),), columns=1)
    if signed is None:
        paper.say(
            f"Draft of {contents.made_at:%d %b %Y %H:%M} UTC, not signed: "
            f"{contents.standing.reviewed} of {_white_cells(contents.standing.white_cells)} "
            "reviewed.",
            bold=True,
            colour=CRITICAL,
        )
    else:
        paper.say(
            f"Signed by {signed.signed_name}, {signed.signed_at:%d %b %Y %H:%M} UTC.", bold=True
        )


def _critical(paper: ReportForm, contents: CaseContents) -> None:
    found = critical_cells(contents)
    if not found:
        return
    paper.heading("Critical cells")
    sure = sum(cell.label is not None for cell in found)
    words = f"{len(found)} critical white {'cell' if len(found) == 1 else 'cells'}: " + ", ".join(
        f"{n} {'called ' if label not in CRITICAL_CLASSES else ''}{title(label).lower()}"
        for label, n in sorted(Counter(_said(cell) for cell in found).items())
    )
    if any(_said(cell) not in CRITICAL_CLASSES for cell in found):
        words += " (a blast or an immature granulocyte cannot be excluded)"
    if sure < len(found):
        words += f"; {len(found) - sure} of them not reviewed by a person"
    paper.say(f"{words}.", bold=True, colour=CRITICAL)
    _pictures(paper, contents, found[:_MOST_PICTURES])
    if len(found) > _MOST_PICTURES:
        paper.small(f"The first {_MOST_PICTURES} of {len(found)} are shown.")


def _pictures(paper: ReportForm, contents: CaseContents, cells: list[ReviewCell]) -> None:
    fields = {picture.id: n for n, picture in enumerate(contents.fields, start=1)}
    words = [f"{title(_said(cell))}\nfield {fields[cell.picture_id]}" for cell in cells]
    paper.cells(list(zip(contents.crops(cells, 0.3), words, strict=True)), _PER_ROW)


def _said(cell: ReviewCell) -> str:
    return cell.label or (cell.call.label if cell.call else "not_determined")


def _differential(paper: ReportForm, contents: CaseContents) -> None:
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
    critical = [n for n, r in enumerate(verified.rows) if r.label in CRITICAL_CLASSES and r.cells]
    paper.grid(
        ("Class", "Cells", "%", "95 % interval", "Program alone, %"),
        rows,
        (36, 12, 12, 22, 18),
        numbers=(1, 2, 3, 4),
        emphasised=critical,
    )
    others = ", ".join(f"{n} {title(label).lower()}" for label, n in verified.not_counted.items())
    said = (
        f"{verified.leukocytes} leukocytes verified by a person; exact (Clopper-Pearson) intervals."
    )
    if others:
        said += f" Not in the differential: {others}."
    if standing.unidentified:
        said += f" {_white_cells(standing.unidentified)} could not be identified."
    left = standing.white_cells - standing.reviewed
    if left:
        were = "was not reviewed and is" if left == 1 else "were not reviewed and are"
        said += f" {_white_cells(left)} {were} left out."
    paper.small(said)
    if contents.laboratory.is_foreign:
        paper.small(contents.laboratory.sentence())


def _counts(paper: ReportForm, contents: CaseContents) -> None:
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
    said = f"{fields} {'field' if fields == 1 else 'fields'}, every visible cell counted."
    said += f" A person confirmed the boxes of {confirmed or 'none'} of them."
    if codes:
        words = (code.replace("_", " ").replace("wbc", "white cell") for code in codes)
        said += f" Flagged by the program before the review: {', '.join(words)}."
    paper.small(said)


def _morphology(paper: ReportForm, contents: CaseContents) -> None:
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


def _palms(paper: ReportForm, contents: CaseContents) -> None:
    palms = [picture for picture in contents.pictures if picture.kind == "palm"]
    if not palms:
        return
    paper.heading("Palm")
    for picture in palms:
        call = picture.palm()
        spoilt = not can_be_judged([Flag(str(f["code"]), "") for f in call.get("flags", [])])
        for sentence in palm_words.sentences(call, spoilt):
            paper.say(sentence)
    paper.small(palm_words.NO_MEASUREMENT)


def _readers(paper: ReportForm, contents: CaseContents) -> None:
    sentences = readers_sentences(contents)
    if not sentences:
        return
    paper.heading("Readers")
    for sentence in sentences:
        paper.say(sentence)


def _white_cells(number: int) -> str:
    return f"{number} white {'cell' if number == 1 else 'cells'}"


def _comments(paper: ReportForm, contents: CaseContents) -> None:
    if not contents.remarks:
        return
    paper.heading("Comments")
    fields = {picture.id: n for n, picture in enumerate(contents.fields, start=1)}
    for remark in contents.remarks:
        where = f"Field {fields[remark.picture_id]}: " if remark.picture_id in fields else ""
        if remark.cell_id is not None:
            where = f"Cell {remark.cell_id}, {where[0].lower()}{where[1:]}" if where else "Cell: "
        paper.say(f"{where}{remark.text}")
        paper.small(f"{remark.author_name}, {remark.written_at:%d %b %Y %H:%M} UTC")


def _origin(paper: ReportForm, contents: CaseContents) -> None:
    paper.heading("What computed it")
    named = sorted({(k, v) for picture in contents.pictures for k, v in picture.models.items()})
    codes = sorted({picture.code_version for picture in contents.pictures})
    words = "; ".join(f"{task} {identity}" for task, identity in named)
    paper.small(f"Models: {words or 'none'}. Program version {', '.join(codes) or 'none'}.")
    for sentence in acceptance_sentences(contents):
        if has_acceptance_mark(contents):
            paper.say(sentence, bold=True, colour=CRITICAL)
        else:
            paper.small(sentence)
    names = [picture.sha256[:12] for picture in contents.pictures[:_MOST_HASHES]]
    more = len(contents.pictures) - len(names)
    paper.small(
        f"{len(contents.pictures)} pictures, kept by the SHA-256 of their content: "
        + ", ".join(names)
        + (f" and {more} more in the signed content." if more else ".")
    )


def _signature(paper: ReportForm, contents: CaseContents) -> None:
    signed = contents.signature
    paper.heading("Signature")
    if signed is None:
        paper.say("Not signed.", bold=True, colour=CRITICAL)
    else:
        paper.say(
            f"{signed.signed_name}, {signed.signed_at:%d %b %Y %H:%M:%S} UTC, "
            f"version {signed.version}.",
            bold=True,
        )
        if signed.reason:
            paper.say(f"Stated at signing: {signed.reason}")
        paper.say(f"Signed content, SHA-256 {signed.snapshot_sha256}", size=7.5, colour=GREY)
    if contents.ledger:
        paper.say(
            f"Ledger entry {contents.ledger.entries}, {contents.ledger.hash}",
            size=7.5,
            colour=GREY,
        )
