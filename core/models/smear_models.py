"""The models that read one smear, handed to whatever works with them."""

from dataclasses import dataclass

from core.models.weights import LoadedModel


@dataclass(frozen=True)
class SmearModels:
    """A set that stays together for one request: a promotion meanwhile does not change it.

    ``locator`` finds and counts cells, ``white_cells`` classifies, ``counts`` is the second count.
    """

    locator: LoadedModel
    white_cells: LoadedModel
    counts: LoadedModel

    @property
    def identities(self) -> tuple[str, str, str]:
        """Identities of locator, white-cell classifier and count model, in this order."""
        return self.locator.identity, self.white_cells.identity, self.counts.identity
