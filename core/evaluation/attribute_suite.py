"""The eleven WBCAtt attributes on the set's test part, each beside its majority baseline."""

from pathlib import Path

import numpy as np

from core.datasets.fields import read_rgb
from core.datasets.public import wbcatt
from core.datasets.public.pbc import CELL_SHARE
from core.datasets.public.wbcatt import ATTRIBUTES
from core.inference.locate.cell_crop import crop_cell
from core.inference.white_cell.attributes import Attribute, attributes_of
from core.inference.white_cell.features import answers_of
from core.inference.white_cell.uncertainty import uncertainty_of
from core.models.cards.white_cell_figures import AttributeFigures, AttributeRow
from core.models.classifier import CROP_RBC_DIAMETERS
from core.models.weights import LoadedModel
from core.records import RgbImage
from core.statistics.classes import accuracy_row, majority_accuracy


def evaluate_attributes(
    data: Path, model: LoadedModel, unseen: frozenset[str], most: int = 3099
) -> AttributeFigures:
    """Accuracy of each attribute; empty where no heads were fitted or the tables are absent.

    Args:
        data: folder of the public sets.
        model: the white-cell classifier.
        unseen: names of PBC pictures the network was not trained on. WBCAtt is split
            differently from PBC: the network has seen most of its test pictures, but not their
            attributes.
        most: test cells read at most, drawn at random.
    """
    uncertainty = uncertainty_of(model)
    fitted = uncertainty is not None and uncertainty.card.attributes.values
    if uncertainty is None or not fitted or not (data / "wbcatt").is_dir():
        return {}
    cells = wbcatt.load(data, "test")
    if len(cells) > most:
        drawn = np.random.default_rng(0).choice(len(cells), most, replace=False)
        cells = [cells[i] for i in sorted(drawn)]
    predicted: list[tuple[Attribute, ...]] = []
    for start in range(0, len(cells), 256):
        crops = [_middle(read_rgb(cell.path)) for cell in cells[start : start + 256]]
        predicted += attributes_of(answers_of(crops, model).features, uncertainty)
    apart = np.array([cell.path.name in unseen for cell in cells])
    rows: dict[str, AttributeRow] = {}
    for column, name in enumerate(ATTRIBUTES):
        truth = [cell.values[column] for cell in cells]
        right = np.array(
            [row[column].value == true for row, true in zip(predicted, truth, strict=True)]
        )
        rows[name] = {
            "accuracy": accuracy_row(right),
            "accuracy_of_pictures_not_trained_on": accuracy_row(right[apart]),
            "majority_baseline": majority_accuracy(truth),
        }
    accuracies = [row["accuracy"]["value"] for row in rows.values()]
    mean = float(np.mean([value for value in accuracies if value is not None]))
    return {"mean_accuracy": mean, "attributes": rows}


def _middle(pixels: RgbImage) -> RgbImage:
    """The middle of a PBC picture as the classifier sees it; its cells are centred."""
    height, width = pixels.shape[:2]
    side = min(height, width) * CELL_SHARE
    box = ((width - 1) / 2, (height - 1) / 2, (width + 1) / 2, (height + 1) / 2)
    return crop_cell(pixels, box, side / CROP_RBC_DIAMETERS)
