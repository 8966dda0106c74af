"""What files say of red cells, and that without the model they are as before."""

import csv
import io
import json

from core.review.record import stored_finding
from core.slide.tables import SHAPE, cells_csv, findings_json
from tests.fixtures.red_cells import MODEL, shape_of, shaped_finding

SHAPED = shaped_finding([shape_of("teardrop"), shape_of("", "cut_by_border"), shape_of("normal")])
PLAIN = shaped_finding([None] * 3)


def rows(text):
    return list(csv.reader(io.StringIO(text)))


def test_json_has_the_shape_of_each_cell_and_the_shares():
    document = json.loads(findings_json([SHAPED]))
    first, second, _ = (cell["shape"] for cell in document["fields"][0]["cells"])
    assert (first["class"], first["judged"], second["not_judged"]) == (
        "teardrop", True, "cut_by_border"
    )  # fmt: skip
    for found in (document["red_cells"], document["fields"][0]["red_cells"]):
        assert (found["judged"], found["not_judged"]) == (2, {"cut_by_border": 1})
        assert found["shapes"]["teardrop"]["share"] == 0.5
        assert found["grades"]["teardrop_cells"]["proposed"] is None
        assert found["models"] == [MODEL]
    assert "red_cells" not in findings_json([PLAIN])


def test_columns_are_added_at_the_end_and_only_with_the_model():
    head, first, second, _ = rows(cells_csv([SHAPED]))
    assert tuple(head[-len(SHAPE) :]) == SHAPE
    assert first[-len(SHAPE) :][:3] == ["teardrop", "0.8000", ""]
    assert second[-len(SHAPE) :][:3] == ["", "", "cut_by_border"]
    plain = rows(cells_csv([PLAIN]))[0]
    assert plain[-1] == "note"
    assert head[: len(plain)] == plain


def test_a_stored_finding_keeps_its_shapes():
    text = stored_finding.as_text(SHAPED)
    assert stored_finding.from_text(text) == SHAPED
    # One of a later version, with a key that this one does not know.
    later = json.loads(text)
    later["cells"][0]["shape"]["hue"] = 3
    later["cells"][0]["shape"]["measures"]["hue"] = 3
    assert stored_finding.from_text(json.dumps(later)) == SHAPED
    assert stored_finding.from_text(stored_finding.as_text(PLAIN)) == PLAIN
