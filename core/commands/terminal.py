"""What the commands share: options, refusals in one sentence, progress lines, reading pictures.

Nothing here imports torch or another heavy library when the module is loaded: help and refusals of
wrong arguments must appear at once.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from core.records import Field
    from core.review.record.review_store import ReviewStore

Data = Annotated[
    Path | None, typer.Option(help="folder of the public sets (default: HEMADESK_DATA)")
]
Pictures = Annotated[list[Path], typer.Argument(help="pictures, or folders of pictures")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object per picture and line")]


Answer = TypeVar("Answer")
_PROGRESS_EVERY_SECONDS: Final = 10.0


@dataclass(frozen=True)
class _Refused:
    """A picture without an answer: ``code`` is stable, ``line`` is the sentence."""

    file: str
    code: str
    line: str

    @property
    def row(self) -> dict[str, object]:
        return {"file": self.file, "error": {"code": self.code, "message": self.line}}


def stop(message: object, status: int = 2) -> NoReturn:
    """Print what is wrong in one sentence on standard error and leave with ``status``."""
    print(message, file=sys.stderr)
    raise typer.Exit(status)


def progress(line: str) -> None:
    """Print a line on standard error, which keeps standard output for the result."""
    print(line, file=sys.stderr, flush=True)


class ProgressLine:
    """A line on standard error every ten seconds: how many of how many are done."""

    def __init__(self, what: str) -> None:
        self._what, self._last = what, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self._last > _PROGRESS_EVERY_SECONDS:
            self._last = time.monotonic()
            progress(f"{done:,} of {total:,} {self._what} done")


def check_choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    """Stop the command unless ``value`` is one of ``choices``."""
    if value not in choices:
        stop(f"{option} must be one of {', '.join(choices)}, got {value!r}")


def check_recipe(value: str, recipes: tuple[str, ...]) -> None:
    """Stop the command unless ``value`` is one of ``recipes``."""
    if value not in recipes:
        stop(f"unknown recipe {value!r}; known are {', '.join(recipes)}")


def public_sets(given: Path | None) -> Path:
    """The folder of the public sets: ``--data``, or the installation's (``HEMADESK_DATA``).

    A ``--data`` that is no folder stops the command here, before a heavy library is imported.
    """
    if given is None:
        from core.settings import settings

        return settings().data
    if not given.is_dir():
        stop(f"--data: folder not found: {given}; so no PBC, CBC or other public set is there")
    return given


def results_folder(given: Path | None, *default: str) -> Path:
    """``--to``, or the folder below ``HEMADESK_VAR`` that ``default`` names."""
    if given is not None:
        return given
    from core.settings import settings

    return settings().var.joinpath(*default)


def opened_store() -> "ReviewStore":
    """The cases of this installation. Stops the command if their database cannot be used."""
    from core.review.record.review_store import review_store
    from core.store.database import DatabaseRefused

    try:
        return review_store()
    except DatabaseRefused as refusal:
        stop(refusal)


def each_picture(
    paths: list[Path],
    as_json: bool,
    answer: "Callable[[Field], tuple[dict[str, object], str]]",
    *,
    min_side_px: int | None = None,
    dicom: bool = True,
) -> None:
    """Read each picture and print its answer; a refused picture does not stop the others.

    Args:
        paths: pictures and folders, in the order of the output.
        as_json: print the row as JSON instead of the sentence.
        answer: the row and the sentence of one picture. It may import heavy libraries: it is
            called for pictures that could be read only.
        min_side_px: smallest side accepted, in pixels; the installation's unless given.
        dicom: take DICOM files from folders too, and every frame of a file with several.

    Raises:
        typer.Exit: with status 1 at the end if a picture was refused, with status 2 at once if a
            model is missing or damaged.
    """
    failed = False
    for result in _answers(paths, answer, min_side_px, dicom):
        refused = isinstance(result, _Refused)
        failed |= refused
        row, line = (result.row, result.line) if isinstance(result, _Refused) else result
        _print(row, line, as_json, refused)
    if failed:
        raise typer.Exit(1)


def all_pictures(
    paths: list[Path],
    as_json: bool,
    answer: "Callable[[Field], Answer]",
    together: "Callable[[list[Answer]], tuple[list[tuple[dict[str, object], str]], str]]",
    *,
    min_side_px: int | None = None,
) -> None:
    """As :func:`each_picture`, for answers that depend on one another.

    They are printed when every picture was read; progress goes to standard error meanwhile.

    Args:
        paths: pictures and folders, in the order of the output.
        as_json: print the rows as JSON instead of the sentences.
        answer: what is found in one picture.
        together: the row and the sentence of each picture, given what was found in all of them,
            and a sentence about all of them, which is printed last unless ``as_json``.
        min_side_px: smallest side accepted, in pixels; the installation's unless given.

    Raises:
        typer.Exit: as :func:`each_picture`.
    """
    results: list[Answer | _Refused] = []
    last = time.monotonic()
    for result in _answers(paths, answer, min_side_px, dicom=True):
        results.append(result)
        if time.monotonic() - last > _PROGRESS_EVERY_SECONDS:
            last = time.monotonic()
            progress(f"{len(results)} pictures read")
    found = [one for one in results if not isinstance(one, _Refused)]
    # Without an answer nothing heavy is imported.
    rows, about_all = together(found) if found else ([], "")
    answered = iter(rows)
    for one in results:
        row, line = (one.row, one.line) if isinstance(one, _Refused) else next(answered)
        _print(row, line, as_json, isinstance(one, _Refused))
    if about_all and not as_json:
        print(about_all)
    if any(isinstance(one, _Refused) for one in results):
        raise typer.Exit(1)


def _print(row: dict[str, object], line: str, as_json: bool, refused: bool) -> None:
    to_stderr = refused and not as_json
    print(
        json.dumps(row) if as_json else line,
        file=sys.stderr if to_stderr else sys.stdout,
        flush=True,
    )


def _answers(
    paths: list[Path],
    answer: "Callable[[Field], Answer]",
    min_side_px: int | None,
    dicom: bool,
) -> "Iterator[Answer | _Refused]":
    """For each picture its answer, or why it was refused."""
    from dataclasses import replace

    for path in all_files(paths, dicom=dicom):
        if message := _missing(path):
            yield _Refused(str(path), "missing", message)
            continue
        from core.imaging.read import ImageRefused

        # One frame of a file may be refused and the next one answered, so each is tried alone.
        try:
            frames = _frames(path, min_side_px, dicom)
        except ImageRefused as refused:
            yield _Refused(str(path), refused.code, refused.message)
            continue
        for number, read in enumerate(frames, start=1):
            shown = str(path) if len(frames) == 1 else f"{path}, frame {number}"
            try:
                yield _answer(answer, replace(read(), name=shown))
            except ImageRefused as refused:
                yield _Refused(shown, refused.code, refused.message)


def _answer(answer: "Callable[[Field], Answer]", field: "Field") -> "Answer":
    from core.models.weights import WeightsRefused

    try:
        return answer(field)
    except WeightsRefused as error:
        stop(error)


def _frames(path: Path, min_side_px: int | None, dicom: bool) -> "list[Callable[[], Field]]":
    from core.imaging.read import read_path, read_path_frames
    from core.settings import settings

    if dicom:
        return read_path_frames(path, settings(), min_side_px=min_side_px)
    field = read_path(path, settings(), min_side_px=min_side_px)
    return [lambda: field]


def _missing(path: Path) -> str:
    """The sentence for a path that does not exist; checked without the libraries for pictures."""
    try:
        path.stat()
    except FileNotFoundError:
        return f"{path.name or path} does not exist at {path}."
    except (OSError, ValueError):
        return ""  # read_path refuses these with its own sentence
    return ""


def all_files(paths: list[Path], *, dicom: bool = True) -> list[Path]:
    """Replace each folder by the pictures in and below it; files passed over go to stderr."""
    from core.imaging.folders import with_folders_opened

    files, passed_over = with_folders_opened(paths, dicom=dicom)
    for sentence in passed_over:
        progress(sentence)
    return files
