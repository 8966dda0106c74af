"""Promotions and roll-backs in the database; rows are only ever added."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import insert, select, update

from core.store.database import Database
from core.store.schema import promotions, turns


class StalePromotion(ValueError):
    """Another model went live since the evidence was gathered."""


@dataclass(frozen=True)
class Promotion:
    """One change of the live model; ``was`` and ``became`` are identities, ``name@hash``."""

    id: int
    at: datetime
    task: str
    action: Literal["promote", "roll_back"]
    was: str
    became: str
    file: str | None
    who: str
    reason: str
    evidence: Mapping[str, Any] | None


class PromotionBook:
    """The promotions of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def history(self, task: str) -> list[Promotion]:
        """Newest first."""
        query = select(promotions).where(promotions.c.task == task).order_by(promotions.c.id.desc())
        with self._database.read() as connection:
            return [Promotion(**row._mapping) for row in connection.execute(query)]

    def add(self, **values: Any) -> None:
        """Add a change.

        Raises:
            StalePromotion: if the newest change of this task did not lead to its ``was``.
        """
        task = promotions.c.task == values["task"]
        with self._database.write() as connection:
            # Serialises two people who promote at once: the second sees the first one's row below.
            connection.execute(update(turns).values(taken=turns.c.taken + 1))
            newest = select(promotions.c.became).where(task).order_by(promotions.c.id.desc())
            now_live = connection.execute(newest).scalar()
            if now_live is not None and now_live != values["was"]:
                raise StalePromotion(
                    f"{now_live} went live in the meantime, not {values['was']}; compare again"
                )
            connection.execute(insert(promotions).values(at=datetime.now(UTC), **values))
