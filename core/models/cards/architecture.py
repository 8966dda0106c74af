"""The networks a card can describe: what is needed to build each before its weights are read."""

from typing import Annotated, Literal

from pydantic import Field

from core.models.cards.part import CardPart, ClassNames

CellBackbone = Literal[
    "mobilenet_v2",
    "resnet18",
    "resnet50",
    "efficientnet_lite2",
    "mobilenet_v3_large",
    "efficientnet_b0",
]
CountBackbone = Literal["mobilenet_v2", "resnet18", "resnet50"]

# Bounded, so that a damaged card cannot ask for more memory than there is.
Width = Annotated[int, Field(ge=1, le=4096)]
Pixels = Annotated[int, Field(ge=16, le=2048)]


class Network(CardPart):
    """A network of some ``kind``, which always stands in the file: it says how to read the rest."""

    kind: str

    def model_post_init(self, context: object, /) -> None:
        self.model_fields_set.add("kind")


class LocatorArchitecture(Network):
    """:class:`core.models.locator.Locator`; ``width`` is the channels of its pyramid."""

    kind: Literal["locator"] = "locator"
    width: Width


class CellClassifierArchitecture(Network):
    """:class:`core.models.classifier.CellClassifier`; ``classes`` in the order of its logits."""

    kind: Literal["cell_classifier"] = "cell_classifier"
    backbone: CellBackbone
    classes: ClassNames
    network_px: Pixels = 128


class DensityCounterArchitecture(Network):
    """:class:`core.models.density.DensityCounter`."""

    kind: Literal["density_counter"] = "density_counter"
    width: Width


class CountRegressorArchitecture(Network):
    """:class:`core.models.regressor.CountRegressor`."""

    kind: Literal["count_regressor"] = "count_regressor"
    backbone: CountBackbone
    hidden: Width


class PalmClassifierArchitecture(Network):
    """:class:`core.models.palm_classifier.PalmClassifier`.

    The first head answers and the others give the interval, so there are two at least.
    """

    kind: Literal["palm_classifier"] = "palm_classifier"
    heads: Annotated[int, Field(ge=2, le=4096)]
    novelty_rank: Annotated[int, Field(ge=1, le=1280)]


class PalmCnnArchitecture(Network):
    """:class:`core.models.paper_palm_cnn.PaperPalmCnn`, the published network; sides in pixels."""

    kind: Literal["palm_cnn"] = "palm_cnn"
    width: Pixels
    height: Pixels


class RedCellArchitecture(Network):
    """:class:`core.models.red_cell.RedCellClassifier`; ``classes`` in the order of its logits."""

    kind: Literal["red_cell_classifier"] = "red_cell_classifier"
    classes: ClassNames


CountArchitecture = Annotated[
    DensityCounterArchitecture | CountRegressorArchitecture, Field(discriminator="kind")
]
Architecture = (
    LocatorArchitecture
    | CellClassifierArchitecture
    | DensityCounterArchitecture
    | CountRegressorArchitecture
    | PalmClassifierArchitecture
    | PalmCnnArchitecture
    | RedCellArchitecture
)
