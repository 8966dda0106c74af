"""Pascal VOC: one ``.xml`` for each picture."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from xml.etree import ElementTree

from core.datasets.intake.boxes.box_set import Annotation, BoxedPicture, BoxSet, read_each
from core.datasets.intake.boxes.files import xml_of
from core.datasets.intake.boxes.masks import masks_of
from core.datasets.intake.matching import assign
from core.datasets.intake.namesakes import Namesakes
from core.datasets.intake.numbers import decimal
from core.datasets.intake.tree import Tree, stem_of

_SIDES = ("xmin", "ymin", "xmax", "ymax")


def read_voc(tree: Tree, files: Sequence[str]) -> BoxSet:
    """Pictures and the ``.xml`` of the same name; ``files`` are those that hold VOC.

    An ``.xml`` whose name is no picture's stands for the picture that its ``filename`` says.
    """
    masks = masks_of(tree)
    pictures = [file for file in tree.pictures if file not in masks]
    namesakes = Namesakes(tree, files, [*masks])
    stems = {stem_of(picture) for picture in pictures}
    inside = _by_filename(tree, [f for f in files if stem_of(f) not in stems], pictures)
    here = set(pictures)

    def labels_itself(picture: str) -> bool:
        """Has it an annotation of its own? Then a second one that names it was copied from that."""
        try:
            named = PurePosixPath(_filename(xml_of(tree.path(namesakes.of(picture))))).name
        except (FileNotFoundError, ValueError):
            return False
        return named == PurePosixPath(picture).name

    def annotation(picture: str, width: int, height: int) -> Annotation:
        try:
            file = namesakes.of(picture)
        except FileNotFoundError:
            if picture not in inside:
                raise
            file = inside[picture][0]
            if len(inside[picture]) > 1:
                raise FileNotFoundError(
                    f"{file} and {inside[picture][1]} both say that they label it"
                ) from None
        top = xml_of(tree.path(file))
        named = PurePosixPath(_filename(top)).name
        other = str(PurePosixPath(picture).with_name(named)) if named else picture
        if other != picture and other in here and not labels_itself(other):
            raise FileNotFoundError(
                f"{file} is called like it, but says that it labels {other}: one of them is wrong"
            )
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


def _by_filename(tree: Tree, files: Sequence[str], pictures: Sequence[str]) -> dict[str, list[str]]:
    """Picture -> annotations that say by their ``filename`` that they label it."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in files:
        try:
            named = _filename(xml_of(tree.path(file)))
        except ValueError:
            continue
        if named:
            for picture in assign([named], file, pictures).of_picture:
                found[picture].append(file)
    return found


def _filename(top: ElementTree.Element) -> str:
    return str(top.findtext("filename", "")).strip().replace("\\", "/")


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
