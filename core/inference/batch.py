"""Many fields analysed one after another in the background, each shown as it finishes.

A screen that computed while it draws would freeze, and would start again at every click. Here a
thread of its own works through the files; whoever watches asks how far it is.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from core.imaging import synthetic
from core.imaging.decoder_processes import Stop
from core.imaging.read import ImageRefused, read_frames
from core.imaging.view import LONG_SIDE_PX, jpeg, png, shrink
from core.inference.locate.cell_crop import crop_cell
from core.inference.smear import analyse
from core.models.refusal import WeightsRefused
from core.models.smear_models import SmearModels
from core.records import Field, Flag, SmearFinding
from core.settings import Settings
from core.taxonomy import SYNTHETIC_FLAG

_THUMBNAIL_PX = 240
_LARGE_CROP_PX = 256

Key = tuple[str, ...]
"""SHA-256 of the picture, then ``SmearModels.identities``: what an answer depends on."""


@dataclass(frozen=True)
class CellPicture:
    """One white cell: ``seen`` is exactly what the classifier read (PNG), ``large`` is for people
    (JPEG). ``index`` is its place in the finding's cells.
    """

    index: int
    seen: bytes
    large: bytes


@dataclass(frozen=True)
class AnalysedField:
    """A finding with the few pictures needed to show it; the full picture is not kept.

    ``view`` has a longer side of at most ``LONG_SIDE_PX``. ``synthetic`` fields are never counted
    together with photographs.
    """

    key: Key
    finding: SmearFinding
    view: bytes
    thumbnail: bytes
    white_cells: tuple[CellPicture, ...]
    synthetic: bool = False


@dataclass(frozen=True)
class Source:
    """A picture still to be opened: its name, and how. ``opened`` may raise ``ImageRefused``."""

    name: str
    opened: Callable[[], Field]
    synthetic: bool = False


@dataclass(frozen=True)
class Progress:
    """How far a batch is; ``seconds_left`` is unknown before the first file is done."""

    done: int
    total: int
    current: str
    seconds_left: float | None
    running: bool


def uploads(files: Iterable[tuple[str, bytes]], settings: Settings) -> list[Source]:
    """Sources of files somebody sent; those beyond ``settings.max_files`` will be refused.

    A DICOM file gives a source for each of its frames.
    """

    def source(place: int, name: str, frame: Callable[[], Field]) -> Source:
        def opened() -> Field:
            if place >= settings.max_files:
                message = (
                    f"{name} was not read: at most {settings.max_files} files are taken at once."
                )
                raise ImageRefused(name, "too_many_files", message)
            return frame()

        return Source(name, opened)

    def refuse(refusal: ImageRefused) -> Field:
        raise refusal

    found: list[tuple[str, Callable[[], Field]]] = []
    for name, data in files:
        try:
            found += [(name, frame) for frame in read_frames(name, data, settings)]
        except ImageRefused as refusal:
            found.append((name, partial(refuse, refusal)))
    return [source(place, name, frame) for place, (name, frame) in enumerate(found)]


def drawn(seeds: Iterable[int]) -> list[Source]:
    """Sources of synthetic fields, one for each seed, in a stain that the models learnt from.

    Fields shown to somebody who tries the program are one slide: they have one stain.
    """
    return [
        Source(
            f"synthetic-{seed:04d}.png",
            lambda seed=seed: synthetic.draw(seed, stain=_SHOWN_STAIN).field,  # type: ignore[misc]
            True,
        )
        for seed in seeds
    ]


_SHOWN_STAIN: Final = "peach"
"""Of PBC, the laboratory of which most training cells are."""
_SYNTHETIC: Final = Flag(
    SYNTHETIC_FLAG, "Drawn by the program: it shows no patient's blood and belongs in no case."
)


class Batch:
    """Works through ``sources`` in a thread of its own.

    Args:
        sources: what to analyse, in this order.
        models: what answers for all of them, whatever is promoted meanwhile.
        known: answers already there; they are taken as they are, nothing is computed again.
        present: pictures (SHA-256 -> name) of the same set: a copy is refused, not counted twice.

    ``results`` and ``refusals`` grow while it runs, in input order, and may be read at any time.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        models: SmearModels,
        *,
        known: Mapping[Key, AnalysedField] | None = None,
        present: Mapping[str, str] | None = None,
    ) -> None:
        self.results: list[AnalysedField] = []
        self.refusals: list[ImageRefused] = []
        self._sources = tuple(sources)
        self._models = models
        self._total = len(self._sources)
        self._known = dict(known or {})
        self._present = dict(present or {})
        self._done = 0
        self._seconds = 0.0
        self._stopped = Stop()
        # A daemon: closing the program must not wait for the rest of a batch.
        self._thread = threading.Thread(target=self._run, name="batch", daemon=True)

    def start(self) -> "Batch":
        """Begin; returns itself."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End after the file that is being analysed; what is finished stays.

        A picture that is still being decoded is given up at once, and is not refused.
        """
        self._stopped.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; was it reached."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def stopped(self) -> bool:
        """Was it stopped before every file was done."""
        return self._stopped.is_set() and self._done < self._total

    def progress(self) -> Progress:
        """Where it is now."""
        done = self._done
        left = self._seconds / done * (self._total - done) if done else None
        # Held here: the thread empties it when it ends.
        sources = self._sources
        current = sources[done].name if done < len(sources) else ""
        return Progress(done, self._total, current, left, self._thread.is_alive())

    def _run(self) -> None:
        with self._stopped.applies():
            self._work()
        # Uploaded bytes hang on the sources; the results do not need them.
        self._sources = ()

    def _work(self) -> None:
        for source in self._sources:
            if self._stopped.is_set():
                break
            began = time.monotonic()
            try:
                self._take(source)
            except ImageRefused as refusal:
                if refusal.code == "stopped":
                    break
                self.refusals.append(refusal)
            except WeightsRefused as refusal:
                message = f"{source.name} was not analysed: {refusal}"
                self.refusals.append(ImageRefused(source.name, "model_refused", message))
            except Exception:  # one file must not end the others, whatever is wrong with it
                logging.getLogger(__name__).exception("analysis of one file failed")
                message = f"{source.name} could not be analysed: an internal error, see the log."
                self.refusals.append(ImageRefused(source.name, "internal_error", message))
            self._seconds += time.monotonic() - began
            self._done += 1

    def _take(self, source: Source) -> None:
        field = source.opened()
        if field.sha256 in self._present:
            other = self._present[field.sha256]
            message = f"{field.name} is the same picture as {other}; it is counted once."
            raise ImageRefused(field.name, "same_picture", message)
        key = (field.sha256, *self._models.identities)
        result = self._known.get(key) or _analysed(key, field, self._models, source.synthetic)
        self._present[field.sha256] = field.name
        self.results.append(replace(result, finding=replace(result.finding, file=field.name)))


def _analysed(key: Key, field: Field, models: SmearModels, is_synthetic: bool) -> AnalysedField:
    finding = analyse(field, models)
    if is_synthetic:
        finding = replace(finding, flags=(*finding.flags, _SYNTHETIC))
    return as_shown(key, field, finding, is_synthetic)


def as_shown(
    key: Key, field: Field, finding: SmearFinding, is_synthetic: bool = False
) -> AnalysedField:
    """A finding with the pictures that show it, cut from the field it was found in."""
    white = []
    for index, cell in enumerate(finding.cells):
        if cell.wbc is not None:
            box, scale = cell.box_xyxy_px, finding.rbc_diameter_px
            seen = crop_cell(field.pixels, box, scale)
            large = crop_cell(field.pixels, box, scale, _LARGE_CROP_PX, mirrored=False)
            white.append(CellPicture(index, png(seen), jpeg(large)))
    view = shrink(field.pixels, LONG_SIDE_PX)
    thumbnail = jpeg(shrink(view, _THUMBNAIL_PX), 85)
    return AnalysedField(key, finding, jpeg(view), thumbnail, tuple(white), is_synthetic)
