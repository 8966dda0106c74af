"""Where the review keeps things: one database, and a folder of pictures beside it."""

from dataclasses import dataclass
from pathlib import Path

from core.settings import settings
from core.store.database import Database, database


@dataclass(frozen=True)
class ReviewStore:
    """What every function of the review is given: rows in ``database``, files below ``folder``."""

    database: Database
    folder: Path

    @property
    def pictures(self) -> Path:
        """Pictures by the hash of their content."""
        return self.folder / "pictures"

    @property
    def training_sets(self) -> Path:
        """Training sets made from what was verified."""
        return self.folder / "training-sets"

    @property
    def anchors(self) -> Path:
        """Lines "number hash" of the ledger, outside the database."""
        return self.folder / "ledger-anchors.txt"


def review_store() -> ReviewStore:
    """The store of the settings. Raises DatabaseRefused where its database is not usable."""
    return ReviewStore(database(), settings().var)
