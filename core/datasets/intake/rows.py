"""What was understood of a set, one row for each picture: the page and the command show these."""

from typing import NotRequired, TypedDict

import numpy as np
import numpy.typing as npt

from core.datasets.fields import LabelledField
from core.datasets.intake.fields import CountedField
from core.datasets.intake.imported_set import Intake, Item
from core.datasets.intake.split.parts import PARTS
from core.datasets.public.ghana_palms import PalmPhoto
from core.datasets.public.pbc import LabelledCell
from core.taxonomy import KINDS

BoxRow = TypedDict("BoxRow", {"class": str, "kind": str, "box_xyxy": list[float]})
"""A box: its class as the set calls it, its kind of `KINDS`, its corners in pixels."""


class PictureRow(TypedDict):
    """What was understood of one picture; ``label`` to ``anemic`` by what the set teaches."""

    file: str
    part: NotRequired[str]
    group: NotRequired[str]
    label: NotRequired[str | None]
    boxes: NotRequired[list[BoxRow]]
    counts: NotRequired[dict[str, int]]
    anemic: NotRequired[bool | None]
    left_out: NotRequired[str]


def rows_of_set(found: Intake[Item]) -> list[PictureRow]:
    """Rows in the order of the paths, as ``python -m core datasets look --json`` prints them.

    A picture that is used has ``file``, ``part``, ``group``, and ``label``, ``boxes``, ``counts``
    or ``anemic``; one that is not has ``left_out``. Lines of a table about pictures that
    are not there are no rows.
    """
    part_of = {i: name for name, part in zip(PARTS, found.parts, strict=True) for i in part}
    rows: dict[str, PictureRow] = {}
    for skipped in found.skipped:
        if (found.root / skipped.file).is_file():
            rows[skipped.file] = {"file": skipped.file, "left_out": skipped.reason}
    for i, item in enumerate(found.items):
        file = item.path.relative_to(found.root).as_posix()
        row: PictureRow = {
            "file": file,
            "part": part_of.get(i, ""),
            "group": found.group_names[i] if found.group_names else str(found.groups[i]),
        }
        _add_label(row, item, found.box_names.get(file, ()))
        rows[file] = row
    return [rows[file] for file in sorted(rows, key=lambda file: file.split("/"))]


def _add_label(row: PictureRow, item: object, names: tuple[str, ...]) -> None:
    if isinstance(item, LabelledField):
        class_names = names or tuple(KINDS[kind] for kind in item.kinds)
        row["boxes"] = [
            {"class": name, "kind": KINDS[kind], "box_xyxy": [round(v, 2) for v in box]}
            for name, kind, box in zip(
                class_names, item.kinds.tolist(), item.boxes_xyxy_px.tolist(), strict=True
            )
        ]
    elif isinstance(item, CountedField):
        row["counts"] = dict(zip(KINDS, item.cells.tolist(), strict=True))
    elif isinstance(item, PalmPhoto):
        row["anemic"] = item.anemic
    elif isinstance(item, LabelledCell):
        row["label"] = item.label


def totals(found: Intake[Item]) -> dict[str, tuple[int, ...]]:
    """Kind or class -> how many there are in training, validation and test."""
    fields = [item for item in found.items if isinstance(item, LabelledField | CountedField)]
    if len(fields) < len(found.items):
        return found.counts()
    sums: list[npt.NDArray[np.int64]] = [
        np.sum([fields[i].counts() for i in part], axis=0, dtype=np.int64)
        if part
        else np.zeros(len(KINDS), np.int64)
        for part in found.parts
    ]
    return {kind: tuple(int(s[k]) for s in sums) for k, kind in enumerate(KINDS)}
