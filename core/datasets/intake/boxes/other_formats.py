"""Annotations of other programs that are not read, and the sentence that says the way out."""

import re
from typing import Final

from core.datasets.intake.boxes.files import text_of
from core.datasets.intake.reading import FileRefused, reading
from core.datasets.intake.tree import Tree

_REACH: Final = 20_000
_MOST_FILES: Final = 50
_JSON_SIGNS: Final = (
    ("labelme", (r'"shapes"\s*:', r'"imagePath"\s*:')),
    ("the VGG Image Annotator (VIA)", (r'"(_via_settings|shape_attributes|regions)"\s*:',)),
    ("VIA 3", (r"__VIA_PROJECT_ID__",)),
    ("Label Studio", (r'"(rectanglelabels|annotations|completions)"\s*:', r'"result"\s*:')),
    ("Label Studio (JSON-MIN)", (r'"(rectangle|polygon|brush|ellipse|keypoint)labels"\s*:',)),
    (
        "COCO's results, without pictures and classes,",
        (r"^\s*\[\s*\{", r'"image_id"\s*:', r'"(bbox|segmentation)"\s*:', r'"score"\s*:'),
    ),
    ("CreateML", (r'"coordinates"\s*:', r'"label"\s*:')),
    ("Supervisely", (r'"objects"\s*:', r'"classTitle"\s*:')),
    ("Datumaro", (r'"items"\s*:', r'"categories"\s*:')),
)
_CSV_SIGN: Final = re.compile(r"x_?min|bbox|region_shape_attributes", re.IGNORECASE)
_ROW_OF_BOX: Final = re.compile(r"[^,\n]+(,\d+(\.\d+)?){4},[^,\n]+\.(jpe?g|png|bmp|tiff?)", re.I)


def other_format(tree: Tree) -> str:
    """A sentence about the first annotation of another program; "" where there is none."""
    for file in tree.ending(".json")[:_MOST_FILES]:
        head = _head(tree, file)
        for program, signs in _JSON_SIGNS:
            if all(re.search(sign, head) for sign in signs):
                return _sentence(file, f"an annotation of {program}")
        if re.search(r'"annotations"\s*:', head) and re.search(r'"images"\s*:', head):
            return f"{file} looks like COCO, but lacks images, annotations or categories"
    for file in tree.ending(".xml")[:_MOST_FILES]:
        head = _head(tree, file)
        if "<annotations" in head and re.search(r"<(image|track)\b", head):
            return _sentence(file, "an annotation of CVAT for images or video")
    for file in tree.ending(".csv")[:_MOST_FILES]:
        head = _head(tree, file)
        if '""rectanglelabels""' in head or '""polygonlabels""' in head:
            return _sentence(file, "an annotation of Label Studio (CSV)")
        if _CSV_SIGN.search(head.split("\n", 1)[0]) or _ROW_OF_BOX.match(head):
            return _sentence(file, "a table of boxes")
    return ""


def _sentence(file: str, what: str) -> str:
    return f"{file} is {what}, which is not read: export it as COCO, Pascal VOC or YOLO"


def _head(tree: Tree, file: str) -> str:
    try:
        with reading(file):
            return text_of(tree.path(file))[:_REACH]
    except FileRefused:
        return ""
