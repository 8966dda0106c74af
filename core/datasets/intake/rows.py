"""What was understood of a set, one row for each picture: the page and the command show these."""

from typing import Any

import numpy as np
import numpy.typing as npt

from core.datasets.fields import LabelledField
from core.datasets.intake.fields import CountedField
from core.datasets.intake.imported_set import Intake
from core.datasets.intake.split.parts import PARTS
from core.datasets.public.ghana_palms import PalmPhoto
from core.taxonomy import KINDS


def rows_of_set(found: Intake[Any]) -> list[dict[str, Any]]:
    """Rows in the order of the paths, as ``python -m core datasets look --json`` prints them.

    A picture that is used has ``file``, ``part``, ``group``, and ``label``, ``boxes``, ``counts``
    or ``anemic``; one that is not has ``left_out``. Lines of a table about pictures that
    are not there are no rows.
    """
    part_of = {i: name for name, part in zip(PARTS, found.parts, strict=True) for i in part}
    rows: dict[str, dict[str, Any]] = {}
    for skipped in found.skipped:
        if (found.root / skipped.file).is_file():
            rows[skipped.file] = {"file": skipped.file, "left_out": skipped.reason}
    for i, item in enumerate(found.items):
        file = item.path.relative_to(found.root).as_posix()
        group = found.group_names[i] if found.group_names else str(found.groups[i])
        rows[file] = {
            "file": file,
            "part": part_of.get(i, ""),
            "group": group,
            **_label(item, found.box_names.get(file, ())),
        }
    return [rows[file] for file in sorted(rows, key=lambda file: file.split("/"))]


def _label(item: Any, names: tuple[str, ...]) -> dict[str, Any]:
    if isinstance(item, LabelledField):
        called = names or tuple(KINDS[kind] for kind in item.kinds)
        return {
            "boxes": [
                {"class": name, "kind": KINDS[kind], "box_xyxy": [round(v, 2) for v in box]}
                for name, kind, box in zip(
                    called, item.kinds.tolist(), item.boxes_xyxy_px.tolist(), strict=True
                )
            ]
        }
    if isinstance(item, CountedField):
        return {"counts": dict(zip(KINDS, item.cells.tolist(), strict=True))}
    if isinstance(item, PalmPhoto):
        return {"anemic": item.anemic}
    return {"label": item.label}


def totals(found: Intake[Any]) -> dict[str, tuple[int, ...]]:
    """Kind or class -> how many there are in training, validation and test."""
    if not all(isinstance(item, LabelledField | CountedField) for item in found.items):
        return found.counts()
    sums: list[npt.NDArray[np.int64]] = [
        np.sum([found.items[i].counts() for i in part], axis=0, dtype=np.int64)
        if part
        else np.zeros(len(KINDS), np.int64)
        for part in found.parts
    ]
    return {kind: tuple(int(s[k]) for s in sums) for k, kind in enumerate(KINDS)}
