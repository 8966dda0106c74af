"""The cases of the demo: real photographs of CBC and drawn fields, read by the live models.

Whatever a person is said to have answered, graded or signed here is invented.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.access.people import AT_THE_TERMINAL, Person
from core.demo.palm import draw_palm
from core.imaging import synthetic
from core.imaging.read import read_path
from core.inference.batch import Batch, Source
from core.inference.palm.screening import read_palm
from core.models.smear_models import SmearModels
from core.models.weights import LoadedModel
from core.records import Field, SmearFinding
from core.review.case import cases, worklist
from core.review.reading.answers import NewAnswer, answer
from core.review.reading.cells import cells_in
from core.review.reading.grades import all_as_normal, grade, grades_of
from core.review.reading.remarks import remark
from core.review.record import roster
from core.review.record.case_rows import case_in
from core.review.record.review_store import ReviewStore
from core.review.signature.signing import finish_reading, sign
from core.settings import settings
from core.taxonomy import UNIDENTIFIED

PICTURES: Final = Path(__file__).with_name("pictures")
TECHNOLOGIST: Final = Person("Rahma Putri (invented)", "technologist", "demo-technologist")
FIRST: Final = Person("Dr Ines Falk (invented)", "pathologist", "demo-first")
SECOND: Final = Person("Dr Tomas Brandt (invented)", "pathologist", "demo-second")

ROUTINE, SHIFT, CRITICAL, DIFFER, SIGNED, EARLIER = (
    "DEMO-1001", "DEMO-1002", "DEMO-1003", "DEMO-1004", "DEMO-1005", "DEMO-0950",
)  # fmt: skip
"""Accession numbers: routine, left shift, critical, two readers who differ, signed, and an earlier
smear of the signed one's patient."""

_OTHER: Final = {
    "segmented_neutrophil": "band_neutrophil",
    "band_neutrophil": "segmented_neutrophil",
    "lymphocyte": "monocyte",
    "monocyte": "lymphocyte",
    "metamyelocyte": "band_neutrophil",
    "immature_granulocyte": "band_neutrophil",
}
"""What another reader may well call a cell."""


@dataclass(frozen=True)
class _Plan:
    """A case to be made: numbers of CBC pictures, or the white cells of each drawn field."""

    accession: str
    indication: str
    photographs: tuple[str, ...] = ()
    drawn: tuple[tuple[str, ...], ...] = ()
    pseudonym: str = ""
    sex: str = "unknown"
    age_years: int | None = None


_SEGMENTED, _BAND, _LYMPHOCYTE = "segmented_neutrophil", "band_neutrophil", "lymphocyte"
_IMMATURE, _BLAST = "immature_granulocyte", "blast"
_MONOCYTE, _EOSINOPHIL = "monocyte", "eosinophil"
_PLANS: Final = (
    _Plan(EARLIER, "Check before surgery", drawn=(
        (_SEGMENTED, _LYMPHOCYTE, _SEGMENTED, _MONOCYTE), (_SEGMENTED, _EOSINOPHIL, _LYMPHOCYTE),
        (_LYMPHOCYTE, _SEGMENTED, _BAND, _SEGMENTED), (_SEGMENTED, _SEGMENTED, _LYMPHOCYTE),
    ), pseudonym="P-17", sex="female", age_years=57),
    _Plan(SIGNED, "Fatigue for six weeks", ("00000", "00004", "00008", "00016", "00020"),
          pseudonym="P-17", sex="female", age_years=58),
    _Plan(DIFFER, "Second opinion", ("00024", "00030", "00034"), pseudonym="P-31", sex="male",
          age_years=35),
    _Plan(ROUTINE, "Routine", ("00012", "00038"), pseudonym="P-44", sex="female",
          age_years=29),
    _Plan(SHIFT, "Fever 39.4 C, cough", drawn=(
        (_BAND, _SEGMENTED, _BAND), (_IMMATURE, _BAND, _SEGMENTED), (_BAND, _LYMPHOCYTE, _IMMATURE),
    ), pseudonym="P-52", sex="male", age_years=71),
    _Plan(CRITICAL, "Bruises, pallor", drawn=(
        (_BLAST, _LYMPHOCYTE), (_BLAST, _BLAST), (_BLAST, _SEGMENTED),
    ), pseudonym="P-60", sex="male", age_years=19),
)  # fmt: skip


def fill(
    store: ReviewStore,
    models: SmearModels,
    palm_model: LoadedModel,
    say: Callable[[str], None] = lambda words: None,
) -> None:
    """Put the cases into an empty store of a demo.

    Args:
        store: of a demo; anything else is refused.
        models: what reads the fields.
        palm_model: what reads the palm.
        say: told what is being made.

    Raises:
        ValueError: if the settings are not those of a demo, or there are cases already.
    """
    if not settings().is_demo:
        raise ValueError("invented cases go into the store of a demo only")
    if worklist.worklist(store, AT_THE_TERMINAL):
        raise ValueError("the store has cases already")
    for person in (TECHNOLOGIST, FIRST, SECOND):
        roster.add(
            store, AT_THE_TERMINAL, subject=person.subject, name=person.name, role=person.role
        )
    made: dict[str, int] = {}
    for number, plan in enumerate(_PLANS, start=1):
        say(f"Case {number} of {len(_PLANS)}: {plan.accession}")
        made[plan.accession] = _case(store, models, plan)
    _palm(store, palm_model, made[ROUTINE])
    for accession in (EARLIER, SIGNED):
        _read(store, FIRST, made[accession], every=4)
        all_as_normal(store, FIRST, made[accession])
        remark(store, FIRST, made[accession], "Invented for the demo; no patient's finding.")
        sign(store, FIRST, made[accession])
    _read(store, FIRST, made[DIFFER])
    all_as_normal(store, FIRST, made[DIFFER])
    finish_reading(store, FIRST, made[DIFFER])
    _read(store, SECOND, made[DIFFER], every=3)
    all_as_normal(store, SECOND, made[DIFFER])
    graded = grades_of(store, SECOND, made[DIFFER])
    grade(store, SECOND, made[DIFFER], "spherocytes", 1, graded["spherocytes"].revision)
    finish_reading(store, SECOND, made[DIFFER])


def _case(store: ReviewStore, models: SmearModels, plan: _Plan) -> int:
    case = cases.create(
        store,
        TECHNOLOGIST,
        plan.accession,
        pseudonym=plan.pseudonym,
        sex=plan.sex,
        age_years=plan.age_years,
        indication=plan.indication,
    )
    for field, finding in _findings(models, plan):
        cases.keep_field(store, TECHNOLOGIST, case.id, field, finding, slide="A")
    return case.id


def _findings(models: SmearModels, plan: _Plan) -> Iterable[tuple[Field, SmearFinding]]:
    fields: list[Field] = []
    for number in plan.photographs:
        fields.append(read_path(PICTURES / f"BloodImage_{number}.jpg", settings()))
    for place, labels in enumerate(plan.drawn):
        seed = 100 * int(plan.accession.removeprefix("DEMO-")) + place
        fields.append(synthetic.draw(seed, wbc=labels, width=960, height=720).field)
    sources = [Source(field.name, lambda field=field: field, bool(plan.drawn)) for field in fields]  # type: ignore[misc]
    batch = Batch(sources, models).start()
    batch.wait()
    if batch.refusals:
        raise ValueError(batch.refusals[0].message)
    return [
        (field, replace(found.finding, file=field.name))
        for field, found in zip(fields, batch.results, strict=True)
    ]


def _read(store: ReviewStore, reader: Person, case_id: int, every: int = 0) -> None:
    """Answer every white cell: as the model does, each ``every``-th one otherwise."""
    with store.database.read() as connection:
        case = case_in(connection, case_id)
        # Also of those that a reader does not see called: an invented reader needs something.
        white = cells_in(connection, case, case.reading, unveiled=True)
    given = []
    for number, cell in enumerate(white, start=1):
        label = cell.call.label if cell.call else UNIDENTIFIED
        if every and number % every == 0:
            label = _OTHER.get(label, "lymphocyte")
        given.append(NewAnswer(cell.id, label, seconds=4.0))
    answer(store, reader, case_id, given)


def _palm(store: ReviewStore, model: LoadedModel, case_id: int) -> None:
    field = draw_palm()
    call = read_palm(field, model, "crop").call
    read_with = {"kind": "crop", "which": None, "reference": None, "prevalence": call.prevalence}
    cases.keep_palm(
        store, TECHNOLOGIST, case_id, field, call.as_json() | {"read_with": read_with},
        models={"palm": call.model},
    )  # fmt: skip
