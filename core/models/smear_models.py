"""The models that read one smear, handed to whatever works with them."""

from dataclasses import dataclass

from core.models.weights import LoadedModel


@dataclass(frozen=True)
class SmearModels:
    """A set that stays together for one request: a promotion meanwhile does not change it.

    ``locator`` finds and counts cells, ``white_cells`` classifies, ``counts`` is the second count.
    ``red_cells`` tells their shapes apart; None where they are not asked for.
    """

    locator: LoadedModel
    white_cells: LoadedModel
    counts: LoadedModel
    red_cells: LoadedModel | None = None

    @property
    def identities(self) -> tuple[str, ...]:
        """Identities of locator, white-cell classifier and count model, in this order.

        That of the red-cell model follows where there is one.
        """
        models = (self.locator, self.white_cells, self.counts, self.red_cells)
        return tuple(model.identity for model in models if model is not None)
