"""The full pictures of what was analysed, put aside until somebody keeps them in a case.

They lie in a folder of the installation that only its user can read and that goes with the object,
or at the next start if the process was killed; memory is not filled with pictures nobody looks at.
"""

from collections.abc import Callable
from pathlib import Path

from core.files import write_atomically
from core.imaging.view import pixels_of, png
from core.jobs.scratch import ScratchFolder
from core.records import Field
from core.settings import settings


class OriginalGone(LookupError):
    """A full picture that is no longer there; the message says what to do."""


class Originals:
    """Fields by the hash of the bytes they were read from."""

    def __init__(self) -> None:
        self._folder = ScratchFolder(settings().var)

    def put_aside(self, opened: Callable[[], Field]) -> Callable[[], Field]:
        """The same way to open a picture, which also writes it down.

        Of what strangers send to a public demo nothing is written: they keep no case.
        """
        if settings().demo == "public":
            return opened

        def opening() -> Field:
            field = opened()
            path = self._path(field.sha256)
            if not path.exists():
                write_atomically(path, png(field.pixels), durable=False)
            return field

        return opening

    def field(self, sha256: str, name: str) -> Field:
        """A picture that was put aside.

        Raises:
            OriginalGone: if it is not there.
        """
        try:
            data = self._path(sha256).read_bytes()
        except OSError as error:
            raise OriginalGone(
                f"the full picture {name} is no longer there; send the file again to keep it"
            ) from error
        return Field(name, pixels_of(data), sha256)

    def file(self, sha256: str) -> Path:
        """The PNG of a picture that was put aside."""
        return self._path(sha256)

    def put_back(self, field: Field) -> None:
        """Put aside a picture that was kept elsewhere meanwhile."""
        if not self._path(field.sha256).exists():
            write_atomically(self._path(field.sha256), png(field.pixels), durable=False)

    def _path(self, sha256: str) -> Path:
        return self._folder.path / f"{sha256}.png"
