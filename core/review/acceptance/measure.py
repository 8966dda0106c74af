"""The program on the laboratory's slides, beside the laboratory's own results."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.datasets.intake.cell_names import UNDIVIDED
from core.imaging.boxes import box_iou
from core.imaging.read import ImageRefused
from core.inference.batch import Source
from core.inference.smear import analyse
from core.models.smear_models import SmearModels
from core.records import Box, Cell, SmearFinding, WbcCall
from core.review.acceptance.discordance import Discordance
from core.review.acceptance.figures import baselines, biases, cell_figures, rates
from core.review.acceptance.measured import Measured, Pairs, from_json, order_of
from core.review.acceptance.results import CellResult, LocalResults, kinds_of
from core.taxonomy import is_leukocyte, parent_of

__all__ = ["Measured", "from_json", "measure"]

_OVERLAP: Final = 0.3
"""Least intersection over union of a laboratory's box and a located cell to be the same one."""


@dataclass(frozen=True)
class _Matched:
    """A located white cell that the laboratory classified: both labels on the same level."""

    cell: Cell
    call: WbcCall
    laboratory: str
    program: str


def measure(
    sources: Sequence[Source],
    results: LocalResults,
    models: SmearModels,
    progress: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> Measured:
    """Analyse every picture and compare.

    Args:
        sources: the pictures; one that is refused is listed and left out.
        results: of :func:`core.review.acceptance.results.read_results`.
        models: what answers, usually the live ones.
        progress: called with done, total and the name before each picture.
    """
    findings: dict[str, SmearFinding] = {}
    matched: dict[str, list[_Matched]] = {}
    not_found = 0
    refused: list[str] = []
    discordance = Discordance()
    for done, source in enumerate(sources):
        progress(done, len(sources), source.name)
        try:
            field = source.opened()
            if field.name in findings:
                refused.append(f"{field.name} was sent twice; the first one is used.")
                continue
            finding = findings[field.name] = analyse(field, models)
        except ImageRefused as refusal:
            refused.append(refusal.message)
            continue
        matched[field.name], missed = _match_cells(finding, results.cells.get(field.name, ()))
        not_found += missed
        # Now, while the pixels are at hand: of many large pictures they are not all kept.
        discordance.add_field(field, finding, results.counts.get(field.name, {}))
        for one in matched[field.name]:
            discordance.add_cell(field, one.cell, one.laboratory, one.program)
    progress(len(sources), len(sources), "")
    known = [one for name in results.cells for one in matched.get(name, ())]
    labels = [(one.laboratory, one.program) for one in known]
    white = [c.wbc for f in findings.values() for c in f.cells_of("wbc") if c.wbc]
    numbers = _counts(findings, results) | _shares(findings, results)
    return Measured(
        models={"locator": models.locator.identity, "wbc": models.white_cells.identity},
        fields=len(findings),
        slides=len({results.slide_of(name) for name in findings}),
        white_cells=len(white),
        not_found=not_found,
        refused=tuple(refused),
        unmatched=_unmatched(results, findings),
        figures=cell_figures(labels, [one.call for one in known]) | rates(white) | biases(numbers),
        labels=tuple(labels),
        numbers=numbers,
        baselines=baselines(labels, numbers),
        discordant_cells=discordance.cells,
        discordant_fields=discordance.fields,
        pictures=discordance.pictures,
    )


def _unmatched(results: LocalResults, findings: Collection[str]) -> tuple[str, ...]:
    """Names of files and slides that have results and no picture."""
    files = {*results.counts, *results.cells} - set(findings)
    slides = {results.slide_of(name) for name in findings}
    # Without any picture no slide can be told from another, and the files say enough.
    return tuple(sorted(files | (set(results.shares) - slides if findings else set())))


def _match_cells(finding: SmearFinding, known: Sequence[CellResult]) -> tuple[list[_Matched], int]:
    """The field's cells of known class, each with its located cell; how many were not located."""
    white = list(finding.cells_of("wbc"))
    found: list[_Matched] = []
    for result in known:
        cell = _match(white, result.box_xyxy_px)
        if cell is None or cell.wbc is None:
            continue
        white.remove(cell)
        program = cell.wbc.label
        if result.label == UNDIVIDED:
            # Where the laboratory did not divide neutrophils the program need not either.
            program = parent_of(program)
        found.append(_Matched(cell, cell.wbc, result.label, program))
    return found, len(known) - len(found)


def _match(white: Sequence[Cell], box: Box | None) -> Cell | None:
    if not white:
        return None
    if box is None:
        return max(white, key=lambda cell: cell.width_px * cell.height_px)
    overlaps = box_iou(np.array([cell.box_xyxy_px for cell in white]), np.array([box]))[:, 0]
    best = int(overlaps.argmax())
    return white[best] if overlaps[best] >= _OVERLAP else None


def _counts(findings: dict[str, SmearFinding], results: LocalResults) -> dict[str, Pairs]:
    """Cells of each kind, field by field."""
    numbers: dict[str, Pairs] = {}
    for kind in kinds_of(results):
        names = [n for n in findings if kind in results.counts.get(n, {})]
        if names:
            numbers[kind] = {
                "unit": "cells per field",
                "samples": names,
                "reference": [results.counts[n][kind] for n in names],
                "other": [findings[n].counts.of(kind).value for n in names],
            }
    return numbers


def _shares(findings: dict[str, SmearFinding], results: LocalResults) -> dict[str, Pairs]:
    """Percent of the leukocytes of each class, slide by slide."""
    by_slide: dict[str, Counter[str]] = {}
    for name, finding in findings.items():
        counted = by_slide.setdefault(results.slide_of(name), Counter())
        for cell in finding.cells_of("wbc"):
            if cell.wbc and is_leukocyte(cell.wbc.label):
                counted[cell.wbc.label] += 1
    slides = [s for s in results.shares if s in by_slide and by_slide[s].total()]
    classes = sorted(
        {n for s in slides for n in results.shares[s]}, key=lambda n: order_of(f"share_{n}")
    )
    numbers: dict[str, Pairs] = {}
    for label in classes:
        here = [slide for slide in slides if label in results.shares[slide]]
        numbers[f"share_{label}"] = {
            "unit": "% of leukocytes",
            "samples": here,
            "reference": [results.shares[slide][label] for slide in here],
            "other": [_percent_of(by_slide[slide], label) for slide in here],
        }
    return numbers


def _percent_of(counted: Counter[str], label: str) -> float:
    """Percent of a class in a slide's leukocytes; a parent class has its children's cells too."""
    cells = sum(n for called, n in counted.items() if label in (called, parent_of(called)))
    return 100 * cells / counted.total()
