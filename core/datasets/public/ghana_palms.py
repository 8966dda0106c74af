"""Palm photos with an anemia label (Asare et al.), and any set laid out like them.

A folder with ``images/`` and ``labels.csv``. Needed columns: ``file``, ``anemic`` (1 or 0).
``photo_group`` (photos of one original) and ``session_block`` (photos taken together) say what must
never be divided by a split; without them every photo is its own. Where the table carries them,
haemoglobin, haematocrit, age and sex are read too.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from core.datasets.public.palm_limits import Limits, is_anemic

Sex = Literal["female", "male"]
_Value = TypeVar("_Value")

_COLUMNS = {
    "haemoglobin_g_dl": ("haemoglobin_g_dl", "hemoglobin_g_dl", "haemoglobin", "hemoglobin", "hb"),
    "haematocrit_percent": ("haematocrit_percent", "haematocrit", "hematocrit", "hct"),
    "age_years": ("age_years", "age"),
    "sex": ("sex", "gender"),
}
_SEXES: dict[str, Sex] = {
    "f": "female",
    "female": "female",
    "woman": "female",
    "m": "male",
    "male": "male",
    "man": "male",
}


class PalmTableRefused(ValueError):
    """A table of palm photos that cannot be used; the message names the line and the value."""


@dataclass(frozen=True)
class PalmPhoto:
    """One photo; what the table does not say is None.

    ``anemic`` is None only where the table has neither a label nor what it can be made from.
    """

    path: Path
    anemic: bool | None
    photo_group: str
    session_block: str
    label_conflict: bool = False
    haemoglobin_g_dl: float | None = None
    haematocrit_percent: float | None = None
    age_years: float | None = None
    sex: Sex | None = None


def load(root: Path, limits: Limits | None = None) -> list[PalmPhoto]:
    """Every photo of the table, in its order.

    Args:
        root: the folder of the set.
        limits: make the label from haemoglobin by these limits instead of reading it.

    Raises:
        FileNotFoundError: if there is no table, or a photo of it is missing.
        PalmTableRefused: for a value that cannot be read.
    """
    table = root / "labels.csv"
    if not table.is_file():
        raise FileNotFoundError(f"no palm photos in {root}: labels.csv is not there")
    with table.open(newline="", encoding="utf-8-sig") as handle:
        reader = csv.DictReader(handle)
        header = {name.strip().lower(): name for name in reader.fieldnames or ()}
        if "file" not in header or ("anemic" not in header and limits is None):
            raise PalmTableRefused(f"{table} needs the columns file and anemic")
        rows = list(reader)
    photos = [_photo(root, header, row, line, limits) for line, row in enumerate(rows, start=2)]
    missing = [photo.path.name for photo in photos if not photo.path.is_file()]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(photos)} palm photos are missing in {root / 'images'}, "
            f"{missing[0]} first"
        )
    return photos


def usable(photos: Sequence[PalmPhoto]) -> list[PalmPhoto]:
    """The photos with one label: a photo group found in both classes teaches nothing."""
    return [photo for photo in photos if photo.anemic is not None and not photo.label_conflict]


def _photo(
    root: Path, header: dict[str, str], row: dict[str, str], line: int, limits: Limits | None
) -> PalmPhoto:
    def cell(names: Sequence[str]) -> str:
        found = next((header[name] for name in names if name in header), None)
        return (row[found] or "").strip() if found else ""

    def number(field: str) -> float | None:
        return _read(float, cell(_COLUMNS[field]), field, line)

    name = cell(["file"])
    haemoglobin, age = number("haemoglobin_g_dl"), number("age_years")
    sex = _read(lambda word: _SEXES[word.lower()], cell(_COLUMNS["sex"]), "sex", line)
    if limits is not None:
        anemic = is_anemic(haemoglobin, age, sex, limits)
    else:
        said = _read(int, cell(["anemic"]), "anemic", line)
        if said not in (0, 1, None):
            raise PalmTableRefused(f"labels.csv, line {line}: anemic must be 1 or 0, got {said}")
        anemic = None if said is None else bool(said)
    return PalmPhoto(
        path=root / "images" / name,
        anemic=anemic,
        photo_group=cell(["photo_group"]) or name,
        session_block=cell(["session_block"]) or cell(["photo_group"]) or name,
        label_conflict=cell(["label_conflict"]) == "1",
        haemoglobin_g_dl=haemoglobin,
        haematocrit_percent=number("haematocrit_percent"),
        age_years=age,
        sex=sex,
    )


def _read(read: Callable[[str], _Value], text: str, field: str, line: int) -> _Value | None:
    if not text or text.lower() in ("na", "nan", "none", "-"):
        return None
    try:
        return read(text)
    except (ValueError, KeyError) as error:
        raise PalmTableRefused(f"labels.csv, line {line}: {field} cannot be {text!r}") from error
