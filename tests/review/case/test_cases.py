"""Cases keep what was sent, once, without what is not the picture's."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from core.imaging.read import read_field
from core.records import LocatorReference
from core.review.case import cases, worklist
from core.review.reading.box_confirmations import confirm_boxes
from core.review.record import pictures, stored_finding
from core.review.record.errors import CaseRefused, PictureLost, StaleEdit, TakenByOther
from core.settings import settings
from core.store.review_schema import case_cells
from core.taxonomy import CellKind
from tests.fixtures.review import call_of, field_of, finding_of


def test_a_case_comes_back_as_it_was_made(store, people):
    made = cases.create(
        store,
        people.technologist,
        " A-17 ",
        pseudonym="P1",
        sex="female",
        age_years=0,
        indication="",
    )
    assert (made.accession, made.age_years, made.state, made.version) == ("A-17", 0, "new", 1)
    assert cases.get(store, people.viewer, made.id) == made
    assert cases.find(store, people.viewer, "A-17") == made
    assert cases.find(store, people.viewer, str(made.id)) == made


def test_an_accession_number_is_one_case_whatever_its_case(store, people):
    cases.create(store, people.technologist, "a-17")
    with pytest.raises(CaseRefused, match="already a case"):
        cases.create(store, people.technologist, "A-17")


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"accession": ""}, "accession"),
        ({"accession": "a;drop table"}, "accession"),
        ({"accession": "x" * 65}, "accession"),
        ({"accession": "a", "sex": "f"}, "sex must be"),
        ({"accession": "a", "age_years": 131}, "age"),
        ({"accession": "a", "age_years": -1}, "age"),
        ({"accession": "a", "pseudonym": "x" * 65}, "pseudonym"),
        ({"accession": "a", "indication": "x" * 2001}, "indication"),
    ],
)
def test_what_is_not_possible_is_refused_in_words(sqlite_store, people, details, words):
    with pytest.raises(CaseRefused, match=words):
        cases.create(sqlite_store, people.technologist, **details)
    assert worklist.worklist(sqlite_store, people.viewer) == []


def test_details_change_and_a_stale_change_is_told(store, people):
    case = cases.create(store, people.technologist, "A-1", age_years=40)
    changed = cases.change(store, people.pathologist, case.id, case.revision, age_years=41)
    assert changed.age_years == 41
    with pytest.raises(StaleEdit) as stale:
        cases.change(store, people.technologist, case.id, case.revision, age_years=39)
    conflict = stale.value.conflicts[0]
    assert ("39" in conflict.yours, "41" in conflict.theirs) == (True, True)
    assert cases.get(store, people.viewer, case.id).age_years == 41
    with pytest.raises(CaseRefused, match="no state to change"):
        cases.change(
            store,
            people.technologist,
            case.id,
            changed.revision,
            state="signed",  # type: ignore[call-arg]
        )


def test_a_field_is_kept_with_every_cell_and_number(store, people):
    case = cases.create(store, people.technologist, "A-1")
    field = field_of()
    finding = finding_of(field, [call_of("blast", 0.61, abstained=True), call_of("monocyte")])
    kept = cases.keep_field(store, people.technologist, case.id, field, finding, slide="B")
    assert kept.finding() == replace(finding, file="field 1")
    assert (kept.slide, kept.source_sha256) == ("B", field.sha256)
    assert kept.models["locator"] == "locator@89abcdef"
    assert kept.models["wbc"] == "wbc@0123abcd"
    assert kept.flag_codes == ("critical_cell",)
    assert np.array_equal(cases.picture_field(store, people.viewer, kept).pixels, field.pixels)
    with store.database.read() as connection:
        rows = connection.execute(select(case_cells).order_by(case_cells.c.place)).all()
    assert [row.kind for row in rows] == ["wbc", "wbc", "rbc", "rbc"]
    assert [row.machine_label for row in rows] == ["blast", "monocyte", None, None]
    box = finding.cells[1].box_xyxy_px
    assert (rows[1].x0_px, rows[1].y0_px, rows[1].x1_px, rows[1].y1_px) == box


def test_the_same_picture_is_kept_once(store, people):
    case = cases.create(store, people.technologist, "A-1")
    field = field_of()
    finding = finding_of(field, [call_of("monocyte")])
    first = cases.keep_field(store, people.technologist, case.id, field, finding)
    assert cases.keep_field(store, people.technologist, case.id, field, finding) == first
    assert len(cases.case_pictures_of(store, people.viewer, case.id)) == 1


def test_a_finding_of_another_picture_is_refused(sqlite_store, people):
    case = cases.create(sqlite_store, people.technologist, "A-1")
    finding = finding_of(field_of(), [])
    with pytest.raises(CaseRefused, match="another"):
        cases.keep_field(sqlite_store, people.technologist, case.id, field_of(width=100), finding)


def test_a_palm_is_kept_with_its_answer(store, people):
    case = cases.create(store, people.technologist, "A-1")
    call = {"anemia_probability": 0.4, "decision": "refer", "model": "palm@1", "flags": []}
    kept = cases.keep_palm(store, people.technologist, case.id, field_of(), call)
    assert kept.palm() == call
    assert kept.models == {"palm": "palm@1"}
    row = worklist.worklist(store, people.viewer)[0]
    assert (row.fields, row.palms, row.white_cells) == (0, 1, 0)


def test_nothing_but_pixels_is_kept_of_a_photo(sqlite_store, people):
    """A name and a place in the EXIF block of what was sent are not in what is kept."""
    photo = Image.new("RGB", (320, 240), (200, 150, 150))
    exif = photo.getexif()
    exif[0x9286] = "MRS EXAMPLE"
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 0.0)
    sent = io.BytesIO()
    photo.save(sent, "JPEG", exif=exif)
    assert b"MRS EXAMPLE" in sent.getvalue()
    field = read_field("photo.jpg", sent.getvalue(), settings())
    case = cases.create(sqlite_store, people.technologist, "A-1")
    kept = cases.keep_palm(sqlite_store, people.technologist, case.id, field, {})
    stored = cases.picture_png(sqlite_store, people.viewer, kept)
    assert b"MRS" not in stored
    assert not dict(Image.open(io.BytesIO(stored)).getexif())


def test_a_stored_picture_that_was_changed_or_lost_is_not_given_out(sqlite_store, people):
    name = pictures.keep(sqlite_store, field_of().pixels)
    file = next(sqlite_store.pictures.rglob("*.png"))
    assert file.stem == name
    data = bytearray(file.read_bytes())
    data[-20] ^= 1
    file.write_bytes(data)
    with pytest.raises(PictureLost, match="changed"):
        pictures.read_bytes(sqlite_store, name)
    file.unlink()
    with pytest.raises(PictureLost, match="gone"):
        pictures.read_bytes(sqlite_store, name)
    with pytest.raises(PictureLost, match="no name"):
        pictures.read_bytes(sqlite_store, "../../etc/passwd")


def test_a_finding_survives_its_text():
    field = field_of()
    finding = finding_of(field, [call_of("blast", 0.1 + 0.2, novel=True)])
    assert stored_finding.from_text(stored_finding.as_text(finding)) == finding
    scale: dict[CellKind, float] = {"rbc": 0.6, "wbc": 0.0, "platelet": 0.1 + 0.2}
    noted = replace(finding, locator=LocatorReference("locator@12345678", scale))
    assert stored_finding.from_text(stored_finding.as_text(noted)) == noted
    # As it was kept before the locator was noted.
    older = json.loads(stored_finding.as_text(finding))
    del older["locator"]
    assert stored_finding.from_text(json.dumps(older)) == finding
    with pytest.raises(ValueError, match="cannot be read"):
        stored_finding.from_text("{}")


def test_a_picture_names_the_locator_that_found_its_cells(sqlite_store, people):
    """Whichever method counted them, and whichever locator is live by then."""
    case = cases.create(sqlite_store, people.technologist, "L-1")
    field = field_of()
    scale: dict[CellKind, float] = dict.fromkeys(("rbc", "wbc", "platelet"), 0.5)
    counted = replace(
        finding_of(field, []),
        method="regression",
        model="counts@11111111",
        locator=LocatorReference("old@22222222", scale),
    )
    unknown = replace(counted, locator=None)
    with pytest.raises(CaseRefused, match="does not say which locator"):
        cases.keep_field(sqlite_store, people.technologist, case.id, field, unknown)
    kept = cases.keep_field(sqlite_store, people.technologist, case.id, field, counted)
    assert kept.models["locator"] == "old@22222222"


def test_the_worklist_begins_with_what_is_urgent(store, people, make_case):
    make_case(store, ["lymphocyte"], "routine")
    make_case(store, [call_of("lymphocyte", novel=True)], "new-to-the-model", seed=1)
    make_case(store, ["lymphocyte", "blast"], "critical", seed=2)
    make_case(store, ["lymphocyte"], "old-routine", seed=3)
    rows = worklist.worklist(store, people.viewer)
    assert [row.case.accession for row in rows] == [
        "critical",
        "new-to-the-model",
        "routine",
        "old-routine",
    ]
    assert [row.priority for row in rows] == ["critical", "doubt", "routine", "routine"]
    assert (rows[0].critical, rows[0].white_cells, rows[0].reviewed) == (1, 2, 0)
    only = worklist.worklist(store, people.viewer, priorities=["doubt"])
    assert [row.case.accession for row in only] == ["new-to-the-model"]


def test_two_ways_to_count_that_disagree_are_a_doubt_until_the_boxes_are_confirmed(
    sqlite_store, people
):
    from core.records import Flag

    for number, codes in enumerate([(), ("methods_disagree",)]):
        case = cases.create(sqlite_store, people.technologist, f"A-{number}")
        field = field_of(number)
        flags = [Flag(code, code) for code in codes]
        finding = finding_of(field, [call_of("monocyte", abstained=not codes)], flags=flags)
        cases.keep_field(sqlite_store, people.technologist, case.id, field, finding)
    rows = worklist.worklist(sqlite_store, people.viewer)
    assert {row.case.accession: row.priority for row in rows} == {"A-0": "doubt", "A-1": "doubt"}
    picture = cases.case_pictures_of(sqlite_store, people.viewer, case.id)[0]
    confirm_boxes(sqlite_store, people.pathologist, case.id, picture.id)
    rows = worklist.worklist(sqlite_store, people.viewer)
    assert [row.priority for row in rows] == ["doubt", "routine"]


@pytest.mark.parametrize(
    ("words", "found"), [("a-1", 1), ("p_1", 1), ("P-", 0), ("%", 0), ("FEVER", 1), ("nobody", 0)]
)
def test_search_takes_no_pattern(store, people, words, found):
    cases.create(store, people.technologist, "A-1", pseudonym="p_1", indication="Fever, 3 days")
    assert len(worklist.worklist(store, people.viewer, search=words)) == found


def test_who_has_a_case_and_since_when(store, people, make_case):
    case = make_case(store)
    mine = worklist.take(store, people.pathologist, case.id)
    assert (mine.assigned_to, mine.assigned_name) == ("paul", "Paul")
    assert mine.assigned_since is not None
    assert worklist.take(store, people.pathologist, case.id) == mine
    with pytest.raises(TakenByOther, match="Paul has this case"):
        worklist.take(store, people.second, case.id)
    assert worklist.take(store, people.second, case.id, over=True).assigned_to == "petra"
    with pytest.raises(TakenByOther):
        worklist.give_back(store, people.pathologist, case.id)
    assert worklist.worklist(store, people.viewer, unassigned=True) == []
    assert len(worklist.worklist(store, people.viewer, assigned_to="petra")) == 1
    assert worklist.give_back(store, people.second, case.id).assigned_to is None
    given = worklist.assign(store, people.technologist, case.id, people.pathologist)
    assert given.assigned_to == "paul"
    with pytest.raises(CaseRefused, match="may not review"):
        worklist.assign(store, people.technologist, case.id, people.viewer)


def test_cells_to_look_at_come_before_fields_that_only_want_their_boxes_confirmed(
    sqlite_store, people
):
    from core.records import Flag

    store, tina = sqlite_store, people.technologist
    # The oldest case has counts that differ, as nearly every field of some laboratories.
    for number, codes in enumerate([("methods_disagree",), ()]):
        case = cases.create(store, tina, f"A-{number}")
        flags = [Flag(code, code) for code in codes]
        found = finding_of(
            field_of(number), [call_of("monocyte", abstained=not codes)], flags=flags
        )
        cases.keep_field(store, tina, case.id, field_of(number), found)
    rows = worklist.worklist(store, people.viewer)
    assert [(row.case.accession, row.priority) for row in rows] == [
        ("A-1", "doubt"),
        ("A-0", "doubt"),
    ]
