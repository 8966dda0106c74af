"""Finding and opening annotation files that strangers wrote: nothing in them is trusted."""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from core.datasets.catalogue import PICTURES

_MAX_TEXT_BYTES: Final = 200_000_000


def picture_files(root: Path) -> list[Path]:
    """Every picture below a folder, by name."""
    return sorted(p for ending in PICTURES for p in files_ending(root, ending))


def files_ending(root: Path, ending: str) -> list[Path]:
    """Files below a folder with an ending such as ``.xml``, by name."""
    # A link could lead to any file of this machine.
    return sorted(
        p
        for p in root.rglob("*")
        if p.suffix.lower() == ending and p.is_file() and not p.is_symlink()
    )


def by_stem(files: Sequence[Path]) -> dict[str, list[Path]]:
    """Files by their name without ending."""
    found: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        found[file.stem].append(file)
    return found


def nearest(picture: Path, by_stem: dict[str, list[Path]]) -> Path:
    """The annotation of the same name that shares most folders: ``train/7.txt`` for ``train/7``."""
    files = by_stem.get(picture.stem)
    if not files:
        raise FileNotFoundError
    return max(files, key=lambda file: len(set(file.parts) & set(picture.parts)))


def text_of(file: Path) -> str:
    """A file as text. Raises ValueError for one too large to be an annotation."""
    if file.stat().st_size > _MAX_TEXT_BYTES:
        raise ValueError(f"{file.name} is larger than {_MAX_TEXT_BYTES / 1e6:.0f} MB")
    return file.read_text(encoding="utf-8-sig", errors="replace")


def xml_of(file: Path) -> ElementTree.Element:
    """A file as XML. Raises ValueError for a document type, ParseError for what is none."""
    text = text_of(file)
    # No annotation needs one, and entities can unpack to far more than the file.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError(f"{file.name} holds a document type, which is refused")
    return ElementTree.fromstring(text)


def has_tag(file: Path, tag: str) -> bool:
    """Is the file XML with such an element."""
    try:
        return next(xml_of(file).iter(tag), None) is not None
    except (ValueError, ElementTree.ParseError):
        return False


def coco_of(file: Path) -> dict[str, Any] | None:
    """The file as COCO; None if it is none."""
    try:
        said = json.loads(text_of(file))
    except ValueError:
        return None
    keys = {"images", "annotations", "categories"}
    return said if isinstance(said, dict) and keys <= said.keys() else None


def yolo_names(file: Path) -> dict[int, str]:
    """Classes by number, from ``classes.txt`` or the ``names`` of a ``data.yaml``."""
    text = text_of(file)
    if file.suffix != ".yaml":
        return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))
    # The one entry of these files that matters here, in its three spellings; no YAML is needed.
    found = re.search(r"^names:[ \t]*(\[.*?\]|\{.*?\}|(?:\n[ \t]*[-\d].*)+)", text, re.M | re.S)
    if found is None:
        return {}
    body = found[1].strip()
    rows = re.split(r"[,\n]", body.strip("[]{}"))
    names = [re.sub(r"^\s*-\s*", "", row).strip() for row in rows if row.strip()]
    pairs = [re.match(r"(\d+)\s*:\s*(.*)", name) for name in names]
    if all(pairs):
        return {int(pair[1]): pair[2].strip("'\" ") for pair in pairs if pair}
    return dict(enumerate(name.strip("'\" ") for name in names))
