"""A white cell that a reader drew has the proposal that the live model makes of its crop."""

from core.imaging import synthetic
from core.inference.locate.cell_crop import crop_cell
from core.inference.white_cell.classify import call_crops
from core.models import registry
from core.review.case import cases
from core.review.reading.drawn_cells import proposals
from core.studies.benchmarks.screens import _finding as finding_of


def test_each_box_is_called_as_the_model_calls_its_crop(sqlite_store, people):
    item = synthetic.draw(1, wbc=["lymphocyte", "eosinophil"], rbc=20)
    case = cases.create(sqlite_store, people.technologist, "H-1")
    cases.keep_field(
        sqlite_store, people.technologist, case.id, item.field, finding_of(item.field, 4)
    )
    (field,) = cases.case_pictures_of(sqlite_store, people.pathologist, case.id)
    white = [cell.box_xyxy_px for cell in item.cells if cell.kind == "wbc"]
    model = registry.live("wbc")
    found = proposals(sqlite_store, people.pathologist, field, white, model)
    stored = cases.picture_field(sqlite_store, people.pathologist, field).pixels
    diameter = field.finding().rbc_diameter_px
    crops = [crop_cell(stored, box, diameter) for box in white]
    assert [one.label for one in found] == [one.label for one in call_crops(crops, model)]
    assert len(found) == 2 and {one.model for one in found} == {model.identity}
