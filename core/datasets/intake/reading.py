"""One boundary between files that strangers wrote and the program: what breaks is a refusal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from core.datasets.skipped import DataRefused

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class FileRefused(ValueError):
    """A file that cannot be read; the message names it and says why, as one sentence."""


@contextmanager
def reading(file: str) -> Iterator[None]:
    """Whatever a reader raises inside becomes a FileRefused that names the file.

    The readers are the standard library's and other projects'; on bytes made to break them they
    raise nearly everything (``csv.Error``, ``RecursionError``, ``KeyError``, ``zlib.error``).
    """
    try:
        yield
    except (FileRefused, DataRefused):
        raise
    except Exception as error:
        raise FileRefused(f"{file} cannot be read: {_words(error)}") from error


def never_breaks(
    read: Callable[_Parameters, _Result],
) -> Callable[_Parameters, _Result]:
    """A reader whose first argument is a folder raises DataRefused and nothing else."""

    @wraps(read)
    def guarded(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        try:
            return read(*args, **kwargs)
        except DataRefused:
            raise
        except FileRefused as refusal:
            raise DataRefused(str(refusal)) from refusal
        except Exception as error:
            name = args[0].name if args and isinstance(args[0], Path) else "the set"
            raise DataRefused(f"{name} cannot be read: {_words(error)}") from error

    return guarded


def _words(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, MemoryError):
        return "it is too large"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split())[:160]
    return f"{text} ({type(error).__name__})" if text else type(error).__name__
