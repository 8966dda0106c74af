"""The result of one slide to hand over, before or without a case: one workbook, or one PDF."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from core.records import Estimate, SmearFinding
from core.review.exchange.paper import Paper
from core.settings import Settings
from core.slide import judgement
from core.slide.blood_count import rates
from core.slide.differential import differential
from core.slide.estimates import EstimateRow
from core.slide.foreign_laboratory import laboratory_of
from core.slide.red_cells.summary import red_cells_of
from core.slide.red_cells.terms import REASONS, TERM_OF, title_of
from core.slide.tables import AcceptanceOf, call_row, disclaimer, inert
from core.taxonomy import KINDS, title

Value = str | int | float | bool | None

_KIND_NAMES: Final = {"rbc": "Red cells", "wbc": "White cells", "platelet": "Platelets"}


@dataclass(frozen=True)
class SlideResult:
    """What a slide came to.

    Args:
        findings: of every field, in their order; at least one.
        made_at: when it is handed over, with its zone.
        accession: as it was typed, "" where nobody typed one.
        estimates: per microlitre, where the person entered what they need.
        acceptance: whether this laboratory has accepted the models of a finding.
    """

    findings: Sequence[SmearFinding]
    made_at: datetime
    accession: str = ""
    estimates: Sequence[EstimateRow] = ()
    acceptance: AcceptanceOf | None = None
    _kept: dict[str, list[list[Value]]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.findings:
            raise ValueError("a result needs at least one field")

    def about(self) -> list[tuple[str, str]]:
        """Name and value of what stands over the tables."""
        counted = len(judgement.included(self.findings))
        return [
            ("Accession number", self.accession or "not given"),
            ("Made", self.made_at.isoformat(sep=" ", timespec="minutes")),
            ("Fields", f"{counted} of {len(self.findings)} count"),
            ("White cells", str(differential(self.findings).leukocytes)),
            ("Models", ", ".join(self.models())),
            ("Accepted by this laboratory", ", ".join(self._accepted())),
            ("Laboratory", laboratory_of(self.findings).sentence() or "not judged"),
            ("Use", disclaimer()),
        ]

    def models(self) -> list[str]:
        """Every model that answered, by name and hash."""
        named = {one.model: None for one in self.findings}
        named |= {cell.wbc.model: None for one in self.findings for cell in one.cells if cell.wbc}
        return list(named)

    def _accepted(self) -> list[str]:
        if self.acceptance is None:
            return ["unknown"]
        found = dict.fromkeys(self.acceptance(one) for one in self.findings)
        return [one.replace("_", " ") for one in found]

    def tables(self) -> dict[str, list[list[Value]]]:
        """Title -> rows, the first one the heads. Percents and counts are numbers."""
        if not self._kept:
            self._kept.update(
                {
                    "Differential": self._differential(),
                    "Blood count": self._blood_count(),
                    **self._red_cells(),
                    "Flags": self._flags(),
                    "Left out": self._left_out(),
                    "Fields": self._fields(),
                    "Cells": self._cells(),
                }
            )
        return self._kept

    def _differential(self) -> list[list[Value]]:
        rows: list[list[Value]] = [
            ["Class", "Part of", "Cells", "Percent", "95 % from, percent", "95 % to, percent"]
        ]
        for row in differential(self.findings).rows:
            percents = [row.share, row.interval.low, row.interval.high]
            part_of = title(row.is_part_of) if row.is_part_of else ""
            figures = [round(100 * value, 1) for value in percents]
            rows.append([title(row.label), part_of, row.cells, *figures])
        return rows

    def _blood_count(self) -> list[list[Value]]:
        rows: list[list[Value]] = [["What", "Unit", "Value", "95 % from", "95 % to", "Remark"]]
        for row in rates(self.findings):
            rows.append(
                [_KIND_NAMES[row.kind], "per field", *_figures(row.per_field), f"{row.cells} cells"]
            )
        for one in self.estimates:
            remark = "; ".join(filter(None, (one.too_few, one.note)))
            rows.append([one.name, "", *_figures(one.estimate), remark])
        return rows

    def _red_cells(self) -> dict[str, list[list[Value]]]:
        """Shares of shapes with what they propose; nothing without a model of shapes."""
        found = red_cells_of(self.findings)
        if found is None:
            return {}
        rows: list[list[Value]] = [
            ["Shape", "Cells", "Percent", "95 % from, percent", "95 % to, percent",
             "Proposed grade, not confirmed"]
        ]  # fmt: skip
        for row in found.shares.rows:
            term = TERM_OF.get(row.shape)
            figures = [round(100 * v, 2) for v in (row.share, row.interval.low, row.interval.high)]
            grade: Value = None
            if term is not None:
                proposed = found.grades[term].grade
                grade = "too few cells" if proposed is None else proposed
            rows.append([title_of(row.shape), row.cells, *figures, grade])
        for reason, cells in found.shares.not_judged.items():
            rows.append([f"Not judged: {REASONS.get(reason, reason)}", cells, *[None] * 4])
        return {"Red cells": rows}

    def _flags(self) -> list[list[Value]]:
        rows: list[list[Value]] = [["Field", "Flag", "What it says"]]
        for one in self.findings:
            rows += [[inert(one.file), flag.code, flag.message] for flag in one.flags]
            for number, cell in enumerate(one.cells, start=1):
                for flag in cell.wbc.flags if cell.wbc else ():
                    rows.append([f"{inert(one.file)}, cell {number}", flag.code, flag.message])
        return rows

    def _left_out(self) -> list[list[Value]]:
        rows: list[list[Value]] = [["Field", "Why"]]
        for one in self.findings:
            reason = judgement.left_out(one)
            if reason is not None:
                rows.append([inert(one.file), judgement.left_out_words(reason.code)])
        return rows

    def _fields(self) -> list[list[Value]]:
        heads = [f"{_KIND_NAMES[kind]}{end}" for kind in KINDS for end in ("", " from", " to")]
        rows: list[list[Value]] = [["Field", "Counts", *heads, "Critical cells"]]
        for one in self.findings:
            figures = [v for kind in KINDS for v in _figures(one.counts.of(kind))]
            critical = len(judgement.critical_cells(one))
            rows.append([inert(one.file), judgement.is_included(one), *figures, critical])
        return rows

    def _cells(self) -> list[list[Value]]:
        heads = ["Class", "Probability", "Could be", "Reported as", "Critical", "Check", "Flags",
                 "Model", "Stage"]  # fmt: skip
        box = ["Left, px", "Top, px", "Right, px", "Bottom, px"]
        rows: list[list[Value]] = [["Field", "Cell", "Kind", *box, "Score", *heads]]
        for one in self.findings:
            for number, cell in enumerate(one.cells, start=1):
                call: list[Value] = [_typed(value) for value in call_row(cell.wbc)]
                sides = [round(float(side), 1) for side in cell.box_xyxy_px]
                score = round(float(cell.score), 4)
                rows.append([inert(one.file), number, cell.kind, *sides, score, *call])
        return rows


def slide_xlsx(result: SlideResult) -> bytes:
    """One workbook: a sheet for what it is, and one for each table.

    A workbook holds numbers, not their letters: it opens the same where the decimal sign is a comma
    and lists are parted by semicolons, which no CSV does.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Font

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Result"
    for name, value in result.about():
        sheet.append([name, inert(value)])
    _widen(sheet, bold=Font(bold=True), first_column=True)
    for name, rows in result.tables().items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        sheet.freeze_panes = "A2"
        _widen(sheet, bold=Font(bold=True), first_column=False)
    book.properties.created = book.properties.modified = result.made_at.replace(tzinfo=None)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def slide_pdf(result: SlideResult, settings: Settings) -> bytes:
    """The same on paper, without the single cells.

    Raises:
        NotPrintable: if a word has a letter that no installed font has.
    """
    reference = f"{result.accession or 'no accession number'}, {result.made_at:%Y-%m-%d %H:%M}"
    paper = Paper("Smear, not signed", reference, settings, draft=True, made_at=result.made_at)
    paper.say("What the models found in these fields. Nobody has reviewed or signed it.", bold=True)
    paper.facts(result.about(), columns=2)
    numbers = {"Differential": (2, 3, 4, 5), "Blood count": (2, 3, 4), "Red cells": (1, 2, 3, 4)}
    widths = {"Differential": (5, 4, 2, 2, 3, 3), "Blood count": (4, 3, 2, 2, 2, 5),
              "Red cells": (6, 2, 2, 3, 3, 4), "Flags": (4, 3, 9), "Left out": (5, 9)}  # fmt: skip
    for name, width in widths.items():
        if name not in result.tables():
            continue
        heads, *rows = result.tables()[name]
        if not rows and name == "Left out":
            continue
        paper.heading(name)
        if not rows:
            paper.say("None.")
            continue
        words = [["" if value is None else str(value) for value in row] for row in rows]
        paper.grid([str(h) for h in heads], words, width, numbers=numbers.get(name, ()))
    return paper.done()


def _figures(estimate: Estimate | None) -> list[Value]:
    if estimate is None:
        return ["not determined", None, None]
    ends = (estimate.value, estimate.low, estimate.high)
    # No upper end: a workbook has no infinity.
    return [round(float(value), 2) if value < float("inf") else None for value in ends]


def _typed(value: object) -> Value:
    """A probability as the number it is; words stay words."""
    if isinstance(value, bool | int | float) or value is None:
        return value
    try:
        return float(str(value))
    except ValueError:
        return inert(str(value))


def _widen(sheet: object, *, bold: object, first_column: bool) -> None:
    from openpyxl.utils import get_column_letter

    # openpyxl's types do not say that a new sheet is a writable one.
    columns = list(sheet.columns)  # type: ignore[attr-defined]
    for place, cells in enumerate(columns, start=1):
        longest = max(len(str(cell.value or "")) for cell in cells)
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = min(60, longest + 3)  # type: ignore[attr-defined]
        for cell in cells:
            if (first_column and place == 1) or (not first_column and cell.row == 1):
                cell.font = bold
