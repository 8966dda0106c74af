"""The log of a server: a file that is replaced when it is full, without a word of a patient.

What an exception says may hold a name that somebody typed, so only its type and the places in the
code are written.
"""

import logging
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Final

FOLDER: Final = "log"
_BYTES: Final = 5_000_000
_FILES: Final = 5
_OURS: Final = ("core", "pages", "streamlit", "uvicorn.error")


class PlacesOnly(logging.Formatter):
    """Writes of an exception where it was raised, not what it says."""

    def formatException(  # noqa: N802  (the name is the library's)
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        kind, _, places = ei
        if kind is None:
            return ""
        lines = [f"  {f.filename}:{f.lineno} in {f.name}" for f in traceback.extract_tb(places)]
        return "\n".join([f"{kind.__module__}.{kind.__qualname__} at", *lines])


def open_log(var: Path) -> Path:
    """Begin to write the log of this process; returns its file, which only this user can read."""
    folder = var / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "hemadesk.log"
    form = PlacesOnly("%(asctime)s %(levelname)s %(name)s %(message)s")
    handler = RotatingFileHandler(file, maxBytes=_BYTES, backupCount=_FILES, encoding="utf-8")
    handler.setFormatter(form)
    handler.setLevel(logging.INFO)
    # Streamlit's loggers hand nothing on to the one above them, so each needs the file itself.
    known = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict)]
    alone = [one for one in known if one.name.startswith("streamlit.") and not one.propagate]
    for logger in (*map(logging.getLogger, _OURS), *alone):
        written = (h for h in logger.handlers if isinstance(h, RotatingFileHandler))
        if not any(one.baseFilename == handler.baseFilename for one in written):
            logger.addHandler(handler)
    # What the same loggers print to the terminal ends in the journal of the machine.
    for one in known:
        if one.name.startswith("streamlit"):
            for terminal in one.handlers:
                terminal.setFormatter(form)
    return file
