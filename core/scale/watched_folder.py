"""Pictures that a microscope drops into a folder become fields of a case.

``FOLDER/ACCESSION/picture`` belongs to the case of this accession number, which is made if it is
not there. What was read is moved to ``FOLDER/done`` or ``FOLDER/refused``, below the accession
number; beside a refused picture lies a text file that says why. A picture is moved after it was
kept, and a case keeps a picture once, so a stop in between loses and doubles nothing.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.access.people import Person
from core.access.rights import require
from core.files import write_atomically
from core.imaging.folders import list_pictures
from core.imaging.read import ImageRefused, read_path_frames
from core.inference.smear import analyse
from core.models.smear_models import SmearModels
from core.review.case import cases
from core.review.case.keep import keep_field
from core.review.record.errors import CaseRefused
from core.review.record.review_store import ReviewStore
from core.settings import settings

DONE: Final = "done"
REFUSED: Final = "refused"


@dataclass(frozen=True)
class Dropped:
    """A picture that was read, by its path below the folder; ``refusal``: why it was not kept."""

    name: str
    refusal: str | None = None


class WatchedFolder:
    """The folder, and the sizes of its files at the last look.

    Args:
        folder: one folder in it for each accession number.
        store: where the cases are.
        person: who keeps the pictures; needs the rights to analyse and to upload.
        models: what answers, asked at each look.

    Raises:
        NotAllowed: without these rights.
    """

    def __init__(
        self, folder: Path, store: ReviewStore, person: Person, models: Callable[[], SmearModels]
    ) -> None:
        require(person, "analyse")
        require(person, "upload")
        self._folder, self._store, self._person, self._models = folder, store, person, models
        self._seen: dict[Path, tuple[int, int]] = {}

    def look(self, *, settled: bool = False) -> Iterator[Dropped]:
        """Keep every picture that has not changed since the last look.

        Args:
            settled: all files are written already: none has to be seen twice.
        """
        now: dict[Path, tuple[int, int]] = {}
        ready: list[Path] = []
        for accession in sorted(self._folder.iterdir()):
            ours = accession.name in (DONE, REFUSED) or accession.name.startswith(".")
            if ours or accession.is_symlink() or not accession.is_dir():
                continue
            for path in list_pictures(accession).pictures:
                try:
                    state = path.stat()
                except OSError:  # taken away meanwhile
                    continue
                now[path] = (state.st_size, state.st_mtime_ns)
                if settled or self._seen.get(path) == now[path]:
                    ready.append(path)
        self._seen = now
        for path in ready:
            yield self._take(path)

    def _take(self, path: Path) -> Dropped:
        name = path.relative_to(self._folder)
        try:
            self._keep(path, name.parts[0])
        except (ImageRefused, CaseRefused) as refusal:
            to = self._move(path, REFUSED)
            write_atomically(to.with_name(f"{to.name}.txt"), f"{refusal}\n")
            return Dropped(name.as_posix(), str(refusal))
        self._move(path, DONE)
        return Dropped(name.as_posix())

    def _keep(self, path: Path, accession: str) -> None:
        # Every picture is read before a case is made for it.
        fields = [read() for read in read_path_frames(path, settings())]
        case = cases.find_accession(self._store, self._person, accession)
        case = case or cases.create(self._store, self._person, accession)
        models = self._models()
        for field in fields:
            keep_field(self._store, self._person, case.id, field, analyse(field, models))

    def _move(self, path: Path, where: str) -> Path:
        """Below ``where``, by a number more if the name is taken there."""
        to = self._folder / where / path.relative_to(self._folder)
        to.parent.mkdir(parents=True, exist_ok=True)
        number, free = 1, to
        while free.exists():
            number += 1
            free = to.with_name(f"{to.stem}-{number}{to.suffix}")
        os.replace(path, free)
        return free
