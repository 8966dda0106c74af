"""What one browser session has on the Screen palm page: photos, answers, maps."""

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from core.explain.palm_map import PalmMap, explain_palm
from core.imaging.read import ImageRefused, read_field
from core.inference.palm.crop import Kind, PalmRefused, views
from core.inference.palm.screening import PalmReading, read_palm
from core.models.weights import LoadedModel
from core.records import Field, RgbImage
from core.settings import settings

_MOST = 40
_MAPS = 16


@dataclass
class PalmPhotoShown:
    """One photo: its bytes as sent, and its answer or why there is none.

    ``which`` is the hand chosen among several, ``reference`` the colour of the tapped paper.
    """

    name: str
    data: bytes
    kind: Kind = "auto"
    which: int | None = None
    reference: tuple[float, float, float] | None = None
    reading: PalmReading | None = None
    refused: PalmRefused | None = None
    sha256: str = ""

    def field(self) -> Field:
        """The photo, read again: forty of them decoded would fill the memory."""
        return read_field(self.name, self.data, settings(), min_side_px=64)

    def judge(self, model: LoadedModel) -> None:
        """Answer anew, with what has been chosen."""
        photo = self.field()
        self.sha256, self.reading, self.refused = photo.sha256, None, None
        try:
            self.reading = read_palm(photo, model, self.kind, self.which, self.reference)
        except PalmRefused as refusal:
            self.refused = refusal


@dataclass
class PalmSession:
    """The photos on show, those that could not be read, and the one in front.

    ``waiting`` were sent and not judged yet: kept here, so that no redraw can lose them.
    """

    photos: list[PalmPhotoShown] = field(default_factory=list)
    unreadable: list[ImageRefused] = field(default_factory=list)
    front: int = 0
    intake: int = 0
    notice: str = ""
    waiting: deque[tuple[str, bytes, Kind]] = field(default_factory=deque)
    _judging: threading.Lock = field(default_factory=threading.Lock)
    _maps: dict[tuple[bytes, bool, str], PalmMap] = field(default_factory=dict)

    def send(self, files: Iterable[tuple[str, bytes]], kind: Kind) -> None:
        """Put photos into the queue; what was said of the ones before is over."""
        self.unreadable = []
        self.waiting.extend((name, data, kind) for name, data in files)

    def judge_waiting(self, model: LoadedModel) -> None:
        """Judge the queue and show it; a broken photo stops no other.

        A redraw that comes meanwhile begins beside this one and waits here for its end.
        """
        with self._judging:
            self._judge_waiting(model)

    def _judge_waiting(self, model: LoadedModel) -> None:
        first = len(self.photos)
        while self.waiting:
            name, data, kind = self.waiting.popleft()
            if len(self.photos) >= _MOST:
                message = f"{name} was not read: at most {_MOST} photos are shown at once."
                self.unreadable.append(ImageRefused(name, "too_many_files", message))
                continue
            photo = PalmPhotoShown(name, data, kind)
            try:
                photo.judge(model)
            except ImageRefused as refusal:
                self.unreadable.append(refusal)
                continue
            self.photos.append(photo)
        if len(self.photos) > first:
            self.front = first

    def shown(self) -> PalmPhotoShown:
        """The photo in front."""
        return self.photos[min(self.front, len(self.photos) - 1)]

    def answered(self) -> list[PalmPhotoShown]:
        """Those with an answer."""
        return [photo for photo in self.photos if photo.reading is not None]

    def clear(self) -> None:
        """An empty screen."""
        self.photos, self.unreadable, self.front, self.notice = [], [], 0, ""
        self.waiting.clear()

    def map_of(self, crop: RgbImage, against: bool, model: LoadedModel) -> PalmMap:
        """The map of a crop by the model that judged it, computed when it is first asked for."""
        square = views(crop)[0]
        key = (np.ascontiguousarray(square).tobytes(), against, model.identity)
        if key not in self._maps:
            if len(self._maps) >= _MAPS:
                del self._maps[next(iter(self._maps))]
            self._maps[key] = explain_palm(square, model, against=against)
        return self._maps[key]


def current() -> PalmSession:
    """This browser session's own."""
    if "palm" not in st.session_state:
        st.session_state["palm"] = PalmSession()
    session: PalmSession = st.session_state["palm"]
    return session
