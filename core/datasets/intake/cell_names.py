"""What laboratories call their cells -> the classes of the taxonomy."""

import re
from typing import Final

from core.taxonomy import WBC_CLASSES, reader_classes

UNDIVIDED: Final = "neutrophil"
"""A neutrophil whose nucleus nobody called segmented or band."""

_OTHER_NAMES: Final[dict[str, str]] = {
    "segmented_neutrophil": "segmented seg segs sne ngs segmentedneutrophils neutrophilsegmented "
    "neutrophilsegment neutrophilsegments",
    "band_neutrophil": "band bands bne ngb stab bandneutrophils neutrophilband neutrophilbands rod",
    UNDIVIDED: "neutrophil neutrophils neu ne pmn polymorph",
    "lymphocyte": "lymphocytes lymph ly lyt",
    "monocyte": "monocytes mono mo mon",
    "eosinophil": "eosinophils eos eo",
    "basophil": "basophils baso ba bas",
    "immature_granulocyte": "ig immaturegranulocytes myelocyte metamyelocyte promyelocyte "
    "myelocytes metamyelocytes promyelocytes my mmy pmy myb mmz pmo pmb",
    "erythroblast": "erythroblasts nrbc normoblast normoblasts erb ebo nucleatedredcell",
    "blast": "blasts myeloblast monoblast lymphoblast myeloblasts monoblasts lymphoblasts myo mob",
    "platelet": "platelets plt thrombocyte thrombocytes",
    "smudge": "smudges smudgecell smudgecells ksc basketcell gumprecht",
}
_CLASS_OF: Final[dict[str, str]] = {
    other: name for name, others in _OTHER_NAMES.items() for other in others.split()
} | {name.replace("_", ""): name for name in WBC_CLASSES}

_OF_PREFIX: Final[dict[str, str]] = {"SNE": "segmented_neutrophil", "BNE": "band_neutrophil"}


def class_of_folder(name: str) -> str | None:
    """Class a folder's name stands for, ``neutrophil`` where undivided; None if it is not known.

    A class that only people tell stands for the models' class that it belongs to; a site's own that
    is learnt stands for itself, by its name or its title.
    """
    letters = _letters(name)
    if letters in _CLASS_OF:
        return _CLASS_OF[letters]
    for one in reader_classes():
        if letters and letters in (_letters(one.label), one.learnt and _letters(one.title)):
            return one.training_class
    return None


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.casefold())


def subtype_of_file(stem: str) -> str | None:
    """Subtype of a neutrophil that PBC writes into the file's name: ``SNE_4711`` is segmented."""
    return _OF_PREFIX.get(stem.split("_")[0].upper())
