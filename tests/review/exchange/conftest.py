"""A case of drawn fields whose findings are known, read and signed by a pathologist."""

import shutil

import pytest

from core.access.people import Person
from core.imaging import synthetic
from core.records import Cell, CellCounts, Estimate, Flag, SmearFinding, WbcCall
from core.review.case import cases
from core.review.reading.answers import NewAnswer, answer
from core.review.reading.cells import cells
from core.review.reading.grades import PLATELETS, all_as_normal, grade, grades_of
from core.review.reading.remarks import remark
from core.review.record.review_store import ReviewStore
from core.review.signature.signing import sign
from core.store.database import Database

READER = Person("Dr Zoë Łuczak-Ångström", "local", "reader-1")
TRUTH = (
    ("segmented_neutrophil", "lymphocyte", "blast"),
    ("lymphocyte", "band_neutrophil", "smudge"),
    ("segmented_neutrophil", "erythroblast"),
)
SAID = {"band_neutrophil": "segmented_neutrophil"}
"""What the program is made to say wrongly; everything else it says right."""


def call_of(label, model="wbc-test-1"):
    known = ("segmented_neutrophil", "band_neutrophil", "lymphocyte", "blast", "erythroblast",
             "smudge")  # fmt: skip
    rest = 0.3 / (len(known) - 1)
    shares = {name: 0.7 if name == label else rest for name in known}
    flags = (Flag("critical_cell", "A blast: a person must see it."),) if label == "blast" else ()
    return WbcCall(label, 0.7, shares, (label,), False, model, flags)


def finding_of(item, name, model="locator-test-1"):
    kinds = [cell.kind for cell in item.cells]
    counts = {k: Estimate(n, max(0, n - 2), n + 2) for k in ("rbc", "wbc", "platelet")
              for n in [kinds.count(k)]}  # fmt: skip
    found = tuple(
        Cell(
            cell.kind,
            cell.box_xyxy_px,
            0.9,
            call_of(SAID.get(str(cell.label), str(cell.label))) if cell.kind == "wbc" else None,
        )
        for cell in item.cells
    )
    field = item.field
    return SmearFinding(
        name, field.width, field.height, "locator", model, "all_visible", CellCounts(**counts),
        found,
    )  # fmt: skip


@pytest.fixture(scope="session")
def drawn():
    """Three small fields with known white cells."""
    return [
        synthetic.draw(70 + n, width=320, height=240, wbc=labels, platelets=1, rbc=6,
                       rbc_diameter_px=46)
        for n, labels in enumerate(TRUTH)
    ]  # fmt: skip


@pytest.fixture
def reader():
    return READER


@pytest.fixture(scope="session")
def templates(tmp_path_factory, drawn):
    """Folders to copy: made once, since each case takes a second."""
    folders = {}
    for name in ("open", "signed"):
        folder = tmp_path_factory.mktemp(name)
        made = ReviewStore(Database(f"sqlite:///{folder / 'review.db'}"), folder)
        case_id = new_case(made, drawn)
        if name == "signed":
            review_and_sign(made, case_id)
        made.database.close()
        folders[name] = folder, case_id
    return folders


@pytest.fixture
def kept(request, templates, tmp_path):
    """A copy of the template a test asks for by its fixtures, and the case's number."""
    folder, case_id = templates["signed" if "signed" in request.fixturenames else "open"]
    shutil.copytree(folder, tmp_path / "desk")
    return tmp_path / "desk", case_id


@pytest.fixture
def store(kept):
    folder = kept[0]
    return ReviewStore(Database(f"sqlite:///{folder / 'review.db'}"), folder)


@pytest.fixture
def case(store, kept):
    """A case nobody has reviewed yet."""
    return cases.get(store, READER, kept[1])


@pytest.fixture
def signed(store, kept):
    """The same case reviewed, graded, commented and signed."""
    return cases.get(store, READER, kept[1])


def new_case(store, drawn):
    made = cases.create(
        store, READER, "H-2026/0042", pseudonym="Żółw 平", sex="female", age_years=47,
        indication="Fatigue; leukocytes 24 ×10⁹/L",
    )  # fmt: skip
    for item in drawn:
        name = f"Jane Patient {item.field.name}"
        cases.keep_field(store, READER, made.id, item.field, finding_of(item, name), slide="A")
    return made.id


def review_and_sign(store, case_id, person=READER):
    review_all(store, case_id, person)
    all_as_normal(store, person, case_id)
    graded = grades_of(store, person, case_id)
    grade(store, person, case_id, "spherocytes", 2, graded["spherocytes"].revision)
    grade(store, person, case_id, PLATELETS, "decreased", graded[PLATELETS].revision)
    remark(store, person, case_id, "Blast with Auer rod: please call. =SUM(A1)")
    sign(store, person, case_id)


def review_all(store, case_id, person=READER):
    """Answer every white cell with the truth it was drawn with."""
    truth: dict[int, str] = {}
    pictures = cases.case_pictures_of(store, person, case_id)
    for picture, labels in zip(pictures, TRUTH, strict=True):
        found = cells(store, person, case_id, picture_id=picture.id)
        found.sort(key=lambda cell: cell.place or 0)
        truth |= {cell.id: label for cell, label in zip(found, labels, strict=True)}
    return answer(store, person, case_id, [NewAnswer(i, label) for i, label in truth.items()])
