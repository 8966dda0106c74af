"""Pascal VOC: one ``.xml`` for each picture."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from xml.etree import ElementTree

from core.datasets.intake.boxes.box_set import Annotation, BoxedPicture, BoxSet, read_each
from core.datasets.intake.boxes.files import xml_of
from core.datasets.intake.boxes.masks import masks_of
from core.datasets.intake.namesakes import Namesakes
from core.datasets.intake.numbers import decimal
from core.datasets.intake.tree import Tree

_SIDES = ("xmin", "ymin", "xmax", "ymax")


def read_voc(tree: Tree, files: Sequence[str]) -> BoxSet:
    """Pictures and the ``.xml`` of the same name; ``files`` are those that hold VOC."""
    namesakes = Namesakes(tree, files, [*masks_of(tree)])

    def annotation(picture: str, width: int, height: int) -> Annotation:
        file = namesakes.of(picture)
        top = xml_of(tree.path(file))
        corners, names, odd = [], [], []
        for number, item in enumerate(top.iter("object"), start=1):
            sides = [item.findtext(f"bndbox/{side}") for side in _SIDES]
            name = str(item.findtext("name", "")).strip()
            try:
                if None in sides:
                    raise ValueError("it lacks its four sides")
                box = [decimal(str(side)) for side in sides]
                if not name:
                    raise ValueError("it has no name")
            except ValueError as error:
                odd.append(f"{file}, object {number} is left out: {error}")
                continue
            corners.append(box)
            names.append(name)
        return Annotation(corners, names, _size(top), odd)

    return read_each(tree, "voc", annotation)


def _size(top: ElementTree.Element) -> tuple[float, float] | None:
    try:
        return decimal(top.findtext("size/width", "")), decimal(top.findtext("size/height", ""))
    except ValueError:
        return None


def write_voc(picture: BoxedPicture) -> str:
    """The text of the ``.xml`` that stands for one picture."""
    top = ElementTree.Element("annotation")
    ElementTree.SubElement(top, "folder").text = PurePosixPath(picture.file).parent.name
    ElementTree.SubElement(top, "filename").text = PurePosixPath(picture.file).name
    size = ElementTree.SubElement(top, "size")
    for name, value in (("width", picture.width_px), ("height", picture.height_px), ("depth", 3)):
        ElementTree.SubElement(size, name).text = str(value)
    for name, box in zip(picture.names, picture.boxes_xyxy_px, strict=True):
        item = ElementTree.SubElement(top, "object")
        ElementTree.SubElement(item, "name").text = name
        ElementTree.SubElement(item, "difficult").text = "0"
        sides = ElementTree.SubElement(item, "bndbox")
        for side, value in zip(_SIDES, box.tolist(), strict=True):
            # Two decimals, and none where they are noughts: 12, 12.5.
            ElementTree.SubElement(sides, side).text = f"{value:.2f}".rstrip("0").rstrip(".")
    ElementTree.indent(top)
    return ElementTree.tostring(top, encoding="unicode") + "\n"
