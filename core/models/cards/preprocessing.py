"""How a picture becomes the input of each kind of network.

A part holds the only way that this version knows, so that a card that asks for another way is
refused instead of answered wrongly. Means and standard deviations are applied inside the network.
"""

from typing import Annotated, Final, Literal

from pydantic import Field

from core.models.cards.part import CardPart


class Preprocessing(CardPart):
    """What all inputs have in common: RGB in [0, 1], ``(batch, channels, height, width)``."""

    channels: Literal["RGB"] = "RGB"
    layout: Literal["NCHW"] = "NCHW"
    range: Annotated[tuple[Literal[0], Literal[1]], Field(strict=False)] = (0, 1)
    mean_and_std: Literal["inside the network"] = "inside the network"
    colour_normalisation: Literal["none"] = "none"

    def model_post_init(self, context: object, /) -> None:
        # Defaults stand in the file too: a reader of the file does not know them.
        self.model_fields_set.update(type(self).model_fields)


class _ScaledField(Preprocessing):
    """A field resized so that a red cell is about ``red_cell_diameter_px`` wide."""

    scale: Literal["by the diameter of red cells"] = "by the diameter of red cells"
    red_cell_diameter_px: Annotated[float, Field(ge=50, le=50)] = 50.0


class LocatorInput(_ScaledField):
    """Height and width are multiples of ``multiple_px``; wide fields are read in tiles."""

    multiple_px: Literal[8] = 8


class DensityInput(_ScaledField):
    """As :class:`LocatorInput`, for the density counter."""

    multiple_px: Literal[16] = 16


class WholeFieldInput(Preprocessing):
    """A whole field squeezed to a square of ``input_px``, as the count-regression paper does."""

    scale: Literal["the whole field"] = "the whole field"
    input_px: Literal[224] = 224


class CellInput(Preprocessing):
    """A square around the cell, resized to ``input_px``."""

    input_px: Literal[128] = 128
    crop_side_in_red_cell_diameters: Annotated[float, Field(ge=3.05, le=3.05)] = 3.05


class RedCellInput(Preprocessing):
    """A square around a red cell, resized to ``input_px``; ground and neighbours are painted over.

    The colours are divided by those of the field's ground, so that the ground is ``ground``.
    """

    input_px: Literal[40] = 40
    crop_side_in_red_cell_diameters: Annotated[float, Field(ge=1.6, le=1.6)] = 1.6
    ground: Literal[230] = 230


class PalmInput(Preprocessing):
    """A square inside the palm, resized to ``input_px``."""

    input_px: Literal[224] = 224


class PalmPhotoInput(Preprocessing):
    """A whole photo resized to the architecture's width and height."""

    scale: Literal["the whole photo"] = "the whole photo"


INPUT_OF: Final[dict[str, type[Preprocessing]]] = {
    "locator": LocatorInput,
    "cell_classifier": CellInput,
    "density_counter": DensityInput,
    "count_regressor": WholeFieldInput,
    "palm_classifier": PalmInput,
    "palm_cnn": PalmPhotoInput,
    "red_cell_classifier": RedCellInput,
}
"""``architecture.kind`` -> the input of such a network."""
