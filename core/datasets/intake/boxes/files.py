"""Opening annotation files that strangers wrote: nothing in them is trusted."""

import codecs
import json
import re
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from pydantic import JsonValue

from core.datasets.intake import table_files
from core.datasets.intake.reading import FileRefused, reading

JsonObject = dict[str, JsonValue]

_MAX_TEXT_BYTES: Final = 100_000_000
_DECLARED: Final = re.compile(rb"\s*<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([\w.-]{1,40})[\"']")
_DECLARED_TEXT: Final = re.compile(r"^\s*<\?xml[^>]*\?>")


def text_of(file: Path) -> str:
    """A file as text. Raises FileRefused for one too large to be an annotation."""
    return table_files.text_of(file, _MAX_TEXT_BYTES)


def xml_of(file: Path) -> ElementTree.Element:
    """A file as XML. Raises ValueError for a document type, FileRefused for what is no XML."""
    text = _xml_text(file)
    # No annotation needs one, and entities can unpack to far more than the file.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError(f"{file.name} holds a document type, which is refused")
    with reading(file.name):
        return ElementTree.fromstring(text)


def _xml_text(file: Path) -> str:
    """In the encoding that the file declares; GBK and its like are unknown to the parser itself."""
    with file.open("rb") as handle:
        declared = _DECLARED.match(handle.read(200))
    if declared is not None and file.stat().st_size <= _MAX_TEXT_BYTES:
        try:
            encoding = codecs.lookup(declared[1].decode("ascii")).name
            if encoding not in ("utf-8", "utf-16"):
                return _DECLARED_TEXT.sub("", file.read_bytes().decode(encoding), count=1)
        except (LookupError, UnicodeDecodeError, TypeError):
            pass  # the declaration is wrong: read as any other text
    return text_of(file)


def has_tag(file: Path, tag: str) -> bool:
    """Is the file XML with such an element, or an annotation without any object."""
    try:
        top = xml_of(file)
    except ValueError:
        return False
    return top.tag == "annotation" or next(top.iter(tag), None) is not None


def coco_of(file: Path) -> JsonObject | None:
    """The file as COCO; None if it is none. Raises FileRefused for one that cannot be read."""
    text = text_of(file)
    if '"images"' not in text or '"annotations"' not in text:
        return None
    with reading(file.name):
        content: JsonValue = json.loads(text)
    keys = {"images", "annotations", "categories"}
    return content if isinstance(content, dict) and keys <= content.keys() else None


__all__ = ["FileRefused", "JsonObject", "coco_of", "has_tag", "text_of", "xml_of"]
