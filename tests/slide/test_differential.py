import csv
import io
import json

import pytest

from core.records import Cell, CellCounts, Estimate, Flag, SmearFinding, WbcCall
from core.slide.differential import differential
from core.slide.tables import DISCLAIMER, cells_csv, findings_csv, findings_json


def call(label: str, abstained: bool = False) -> WbcCall:
    return WbcCall(label, 0.9, {label: 0.9, "lymphocyte": 0.1}, (label,), abstained, "wbc@1")


def finding(*labels: str) -> SmearFinding:
    cells = tuple(
        Cell("wbc", (i, 0, i + 10, 10), 0.8, call(label)) for i, label in enumerate(labels)
    )
    one = Estimate(len(labels), 0, len(labels))
    return SmearFinding(
        "a,b.png",
        640,
        480,
        "locator",
        "locator@1",
        "all_visible",
        CellCounts(one, one, one),
        cells,
        (Flag("too_dark", "Dark."),),
    )


def test_shares_rest_on_leukocytes_and_bands_are_a_part_of_the_neutrophils():
    result = differential(
        [
            finding("segmented_neutrophil", "band_neutrophil"),
            finding("lymphocyte", "monocyte", "platelet", "erythroblast"),
        ]
    )
    rows = {row.label: row for row in result.rows}
    assert result.leukocytes == 4
    assert result.not_counted == {"platelet": 1, "erythroblast": 1}
    assert rows["neutrophil"].share == 0.5
    assert rows["band_neutrophil"].is_part_of == "neutrophil"
    whole = [row for row in result.rows if row.is_part_of is None]
    assert sum(row.cells for row in whole) == result.leukocytes
    # Exact interval of 2 of 4, from the beta distribution's tables.
    assert rows["neutrophil"].interval.low == pytest.approx(0.0676, abs=1e-4)


def test_a_class_the_model_does_not_know_is_not_reported_as_none():
    labels = {row.label for row in differential([finding("monocyte")]).rows}
    assert labels == {"neutrophil", "monocyte", "lymphocyte"}


def test_no_white_cells_is_not_a_division_by_zero():
    result = differential([finding()])
    assert result.leukocytes == 0
    assert all(row.share == 0 for row in result.rows)


def test_tables_read_back():
    findings = [finding("lymphocyte", "monocyte")]
    (row,) = csv.DictReader(io.StringIO(findings_csv(findings)))
    assert row["file"] == "a,b.png"
    assert (row["rbc"], row["wbc_high"], row["flags"], row["note"]) == (
        "2",
        "2",
        "too_dark",
        DISCLAIMER,
    )
    cells = list(csv.DictReader(io.StringIO(cells_csv(findings))))
    assert [cell["class"] for cell in cells] == ["lymphocyte", "monocyte"]
    assert json.loads(findings_json(findings))["fields"][0]["counts"]["wbc"]["value"] == 2
