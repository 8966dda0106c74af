"""Which column of a table holds what, by the names that people give columns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.datasets.intake.reading import FileRefused

FILE_COLUMNS: Final = (
    "file", "filename", "image", "picture", "name", "imagename", "imageid", "imagefile", "path",
    "filepath", "imagepath", "photo", "datei", "dateiname", "bild", "field",
    "fichier", "archivo", "arquivo", "imagen", "imagem", "immagine", "文件名", "图片", "图像",
)  # fmt: skip
GROUP_COLUMNS: Final = (
    "patient", "case", "person", "slide", "photo", "photo_group", "session_block", "group",
    "subject", "participant", "individual", "donor", "proband", "accession", "mrn", "sample",
    "specimen", "smear",
)  # fmt: skip
"""Columns that say what must stay on one side of a split."""
SPLIT_COLUMNS: Final = ("split", "subset", "set", "part", "partition", "phase", "usage")
"""Columns that say which part of the set's own split a picture belongs to."""

_KIND_OF_MATERIAL: Final = frozenset({"sample", "specimen", "smear"})
"""Group columns that may also say of every picture that it is blood."""
_OTHER_GROUP_NAMES: Final = {
    "pat": "patient", "pid": "patient", "patientin": "patient", "patienten": "patient",
    "fall": "case", "objekttraeger": "slide", "objektträger": "slide",
    "präparat": "slide", "praeparat": "slide",
}  # fmt: skip
_IDENTIFIERS: Final = ("id", "ids", "nr", "no", "num", "number", "nummer", "code", "key", "name")
_FILLERS: Final = frozenset({"n", "count", "counts", "number", "of", "id", "anzahl"})
_OF_A_PICTURE: Final = frozenset(
    {"n", "no", "number", "anzahl", "count", "counts", "cells", "cell", "zellen", "per", "je",
     "pro", "field", "fields", "feld", "fov", "image", "picture", "bild"}
)  # fmt: skip
"""What may stand in a column's name behind the kind of cell without changing its meaning."""


@dataclass(frozen=True)
class Column:
    """A column that is looked for: ``names`` it may have, the first is what rows call it.

    ``is_count``: it holds cells counted in one picture. A share or a concentration has a similar
    name (``WBC %``, ``RBC (10^6/µl)``) and must not be taken for it.
    """

    names: Sequence[str]
    is_count: bool = False


FILE: Final = Column(FILE_COLUMNS)


def bare(name: str) -> str:
    """A column's name in small letters, without signs and the words for a number."""
    words = re.findall(r"[^\W\d_]+", name.casefold())
    kept = [
        word
        for i, word in enumerate(words)
        # "No. of cells" and "case no." hold numbers; "no anemia" says the contrary of "anemia".
        if word not in _FILLERS and not (word == "no" and (i > 0 or words[1:2] == ["of"]))
    ]
    return "".join(kept or words)


def group_column(name: str) -> str:
    """The group column that a name stands for: ``PatientID`` is patient; "" for none."""
    known = {bare(column): column for column in GROUP_COLUMNS} | _OTHER_GROUP_NAMES
    plain = bare(name)
    for suffix in ("", *_IDENTIFIERS):
        if plain.endswith(suffix) and (stem := plain.removesuffix(suffix)) in known:
            return known[stem]
    return ""


def says_nothing(column: str, values: Sequence[str]) -> bool:
    """Does a group column only say what all pictures are made of?"""
    return column in _KIND_OF_MATERIAL and len(set(values)) == 1 < len(values)


def column_names(
    table: str, values: Sequence[str], wanted: Sequence[Column]
) -> tuple[list[str], str]:
    """Names of the columns if a line holds them, with a column of each kind; else none.

    Args:
        table: what the table is called in messages.
        values: the cells of the line.
        wanted: what is looked for.

    Returns:
        The names in small letters, those looked for under their first name, and how the last of
        them is called in the table; an empty list for a line of something else.

    Raises:
        FileRefused: if a column stands twice, or holds no counts where counts are needed.
    """
    header = ""
    names = [value.casefold() for value in values]
    for kind in wanted:
        known = [bare(name) for name in kind.names]
        of_kind: list[int] = []
        measured: list[int] = []
        for i, value in enumerate(values):
            if kind.is_count and bare(_before_unit(value)) in known:
                (of_kind if _counts_cells(value) else measured).append(i)
            elif bare(value) in known:
                of_kind.append(i)
        if not of_kind:
            if measured:
                raise FileRefused(
                    f"{table}: the column {values[measured[0]]} may be a share or a concentration; "
                    f"call it {kind.names[0]} if it is the number of cells in the picture"
                )
            return [], ""
        plain = {i: bare(_before_unit(values[i]) if kind.is_count else values[i]) for i in of_kind}
        first = min(of_kind, key=lambda i: known.index(plain[i]))
        if [*plain.values()].count(plain[first]) > 1:
            raise FileRefused(f"{table} has the column {values[first]} twice")
        names[first], header = kind.names[0], values[first]
    for i, name in enumerate(names):
        if name in names[:i] and (group_column(name) or name in SPLIT_COLUMNS):
            raise FileRefused(f"{table} has the column {values[i]} twice")
    return names, header


def _before_unit(name: str) -> str:
    return re.split(r"[(\[%‰/^\d]", name, maxsplit=1)[0]


def _counts_cells(name: str) -> bool:
    """Does what follows the kind of cell leave it a number of cells in a picture?"""
    rest = name[len(_before_unit(name)) :]
    words = re.findall(r"[^\W\d_]+", rest.casefold())
    return not re.search(r"[%‰^\d]", rest) and {*words} <= _OF_A_PICTURE
