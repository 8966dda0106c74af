"""The JSON that a signature stands under, typed.

A signed snapshot is never written anew, so every key that was added later may be missing in an
older one: those are ``NotRequired``, and whoever reads them says what their absence means.
"""

from typing import NotRequired, TypedDict

from core.slide.red_cells.summary import RedCellsJson
from core.taxonomy import CellKind


class IntervalJson(TypedDict):
    """Bounds of a share, each in [0, 1]."""

    low: float
    high: float


class DifferentialRowJson(TypedDict):
    """A :class:`core.slide.differential.DifferentialRow`."""

    label: str
    cells: int
    share: float
    interval: IntervalJson
    is_part_of: str | None


class DifferentialJson(TypedDict):
    """A :class:`core.slide.differential.Differential`."""

    rows: list[DifferentialRowJson]
    leukocytes: int
    unsure: int
    not_counted: dict[str, int]


class SnapshotCase(TypedDict):
    """Details of the case; ``created_at`` as the ledger writes a moment."""

    id: int
    accession: str
    pseudonym: str
    sex: str
    age_years: int | None
    indication: str
    created_at: str
    second_reader: bool
    halves: NotRequired[bool]


class LedgerPlace(TypedDict):
    """The head of the ledger before the signature."""

    entries: int
    hash: str


class SnapshotPicture(TypedDict):
    """A picture of the case. ``counts`` are the cells in it, also in a field that is left out.

    ``palm`` is there for a palm only: the JSON of the palm command.
    """

    id: int
    kind: str
    name: str
    slide: str
    sha256: str
    source_sha256: str
    width: int
    height: int
    models: dict[str, str]
    code_version: str
    flags: list[str]
    included: NotRequired[bool]
    included_by_person: NotRequired[bool | None]
    left_out: NotRequired[str | None]
    boxes_confirmed_by: NotRequired[list[str]]
    boxes_changed: NotRequired[bool]
    counts: dict[CellKind, int]
    palm: NotRequired[dict[str, object]]


class SnapshotAnswer(TypedDict):
    """What a reader called a cell; ``preclassified``, where it is true: they may not review."""

    reading: int
    label: str | None
    reader: str
    reader_name: NotRequired[str]
    preclassified: NotRequired[bool]


class SnapshotBox(TypedDict):
    """A cell of any kind. ``place`` is its number in the program's finding, None if drawn."""

    id: int
    picture_id: int
    place: int | None
    kind: CellKind
    box_xyxy_px: list[float]
    deleted: bool


class SnapshotShape(TypedDict):
    """The shape that a reader gave a red cell; None: taken back."""

    reading: int
    shape: str | None
    reader: str
    reader_name: str
    given_at: str


class SnapshotCell(SnapshotBox, total=False):
    """A box with what white cells have besides; red cells and platelets have none of it.

    ``shape`` is of a red cell to which a reader gave one: what stands, and who gave which.
    """

    label: str | None
    proposed: str | None
    probability: float | None
    abstained: bool
    novel: bool
    critical: bool
    blind: bool
    readers: list[SnapshotAnswer]
    shape: str | None
    shape_readers: list[SnapshotShape]


def reviewed_label(row: SnapshotCell) -> str | None:
    """What a reviewer called a white cell; None where it was only pre-classified.

    A case can be signed with cells that only a pre-classifier answered. Those answers are proposals
    and no evidence, neither of a model's errors nor for a training.
    """
    label, readers = row.get("label"), row.get("readers", [])
    if readers and all(one.get("preclassified") for one in readers if one["label"] == label):
        return None
    return label


class GivenGrade(TypedDict):
    """A grade (0 to 3) or the platelets' word, and who gave it; None: taken back."""

    value: int | str | None
    reader_name: str


class GradeDifferenceRow(TypedDict):
    """A term in which the two readers differed: what each gave, and as what it was settled."""

    term: str
    first: GivenGrade | None
    second: GivenGrade | None
    settled: GivenGrade | None


class BoxDifferenceRow(TypedDict):
    """A box in which the two readers differed: the kind each had there, None for no cell.

    ``settled`` and ``settled_by`` are None while nobody settled it; ``deleted`` is True where it
    was settled as no cell. In the oldest versions only the settling is known.
    """

    cell_id: int
    first: NotRequired[str | None]
    second: NotRequired[str | None]
    settled: NotRequired[str | None]
    settled_by: str | None
    deleted: bool


class ReaderRow(TypedDict):
    """Somebody who took part in a reading; ``preclassified``, where it is true: not a reviewer."""

    reading: int
    reader: str
    reader_name: str
    preclassified: NotRequired[bool]


class SnapshotRemark(TypedDict):
    """A comment on a cell, a picture or the case; ``author`` is a name."""

    picture_id: int | None
    cell_id: int | None
    text: str
    author: str
    written_at: str


class SnapshotSeen(TypedDict):
    """An abnormality that was seen in a cell, or in a field where ``cell_id`` is None.

    ``box_xyxy_px``, where it was said: the place in the field.
    """

    term: str
    picture_id: int
    cell_id: int | None
    readers: list[str]
    seen_at: str
    box_xyxy_px: NotRequired[list[float]]


class SnapshotCall(TypedDict):
    """A call about a critical finding, written before the signature; ``caller`` is a name."""

    finding: str
    told: str
    called_at: str
    read_back: bool
    caller: str
    written_at: str


class ReleaseRow(TypedDict):
    """The rule under which a case was signed in a batch, without a look at each cell."""

    rule: int
    conditions: list[str]
    minimum_cells: int


class Snapshot(TypedDict):
    """Everything a signature stands under."""

    format: int
    case: SnapshotCase
    version: int
    signed_by: str
    signed_name: str
    signed_at: str
    reason: str
    ledger: LedgerPlace
    note: str
    proposed: DifferentialJson
    verified: DifferentialJson
    white_cells: int
    reviewed: int
    unidentified: int
    minimum_cells: NotRequired[int]
    changed: int
    pictures: list[SnapshotPicture]
    cells: list[SnapshotCell]
    grades: dict[str, int]
    platelets: str | None
    grade_differences: NotRequired[list[GradeDifferenceRow]]
    box_differences: NotRequired[list[BoxDifferenceRow]]
    readers: NotRequired[list[ReaderRow]]
    remarks: list[SnapshotRemark]
    abnormalities: NotRequired[list[SnapshotSeen]]
    critical_calls: NotRequired[list[SnapshotCall]]
    target_cells: NotRequired[int]
    usual_shares: NotRequired[dict[str, list[float]]]
    released: NotRequired[ReleaseRow]
    titles: NotRequired[dict[str, str]]
    red_cells: NotRequired[RedCellsJson]
