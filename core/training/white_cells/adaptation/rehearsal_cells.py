"""Pictures of the cells a network learnt from, so that it does not forget them while it adapts."""

from collections import Counter
from pathlib import Path
from typing import Final

from core.datasets.fields import read_rgb
from core.imaging.read import ImageRefused
from core.inference.white_cell.uncertainty import Uncertainty
from core.models.cards.uncertainty_card import CellIndex
from core.models.weights import LoadedModel
from core.training.white_cells.adaptation.laboratory_cells import crop_of
from core.training.white_cells.adaptation.last_blocks import RehearsalCells
from core.training.white_cells.adaptation.last_layer import AdaptRefused
from core.training.white_cells.cell_examples import centre_crop

PER_CLASS: Final = 70
_FEWEST: Final = 100


def index_of(uncertainty: Uncertainty) -> CellIndex:
    """The stored training cells.

    Raises:
        AdaptRefused: if none were stored.
    """
    if uncertainty.card.index is None:
        raise AdaptRefused(
            f"{uncertainty.card.model} has no stored cells to keep its knowledge with; "
            "run python -m core fit-uncertainty first"
        )
    return uncertainty.card.index


def rehearsal_cells(
    uncertainty: Uncertainty, data: Path, locator: LoadedModel, per_class: int = PER_CLASS
) -> RehearsalCells:
    """The stored cells of each class whose pictures are under ``data``, cut for the network.

    Raises:
        AdaptRefused: if hardly any of the pictures are there.
    """
    index = index_of(uncertainty)
    names = [index.classes[int(i)] for i in uncertainty.tensors["index.label"]]
    used: Counter[str] = Counter()
    crops, labels = [], []
    for file, name in zip(index.files, names, strict=True):
        path = data / file
        if used[name] >= per_class or not path.is_file():
            continue
        try:
            if file.startswith("pbc/"):
                crops.append(centre_crop(read_rgb(path)))
            else:
                crops.append(crop_of(path, locator))
        except (ImageRefused, OSError, ValueError):
            continue
        labels.append(name)
        used[name] += 1
    if len(crops) < _FEWEST:
        raise AdaptRefused(
            "the deep way needs pictures of the cells the live model learnt from, and of them "
            f"{len(crops)} are in {data} (HEMADESK_DATA); adapt the last layer only"
        )
    return RehearsalCells(crops, labels)
