"""What was answered so far, a line for each file: the part of an archive's work that is never lost.

A line is written when its file is finished, so a process that is killed loses the file it was at
and nothing else. A line that was cut off by the kill is taken out when the journal is opened.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from core.files import JsonObject, json_as, sync_folder

_SYNC_EVERY: Final = 64
"""Lines after which the disk is waited for: a power cut loses at most so many."""


@dataclass(frozen=True)
class Answer:
    """One picture of a file: ``finding`` as stored text, or ``code`` and ``message`` of a refusal.

    ``file`` is the name that the result shows.
    """

    file: str
    finding: str = ""
    code: str = ""
    message: str = ""


@dataclass(frozen=True)
class Line:
    """A finished file: its path, and its size and time of change when it was read."""

    path: str
    size: int
    changed_ns: int
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class _Head:
    """First line: what the answers depend on besides the pictures."""

    asked: dict[str, str]


class OtherQuestion(ValueError):
    """The journal was begun with other models or another way to count."""


class Journal:
    """The journal in a file; only one process may have it open (the job's lock sees to that).

    Args:
        file: made if it is missing.
        asked: what the answers depend on: models, method, rule.

    Raises:
        OtherQuestion: if the journal there was begun with something else.
        ValueError: if the file is no journal.
    """

    def __init__(self, file: Path, asked: dict[str, str]) -> None:
        self._file = file
        self._unsynced = 0
        self._done: dict[str, tuple[int, int, int]] = {}
        if not file.exists() or not file.stat().st_size:
            self._start(asked)
        whole = self._read(asked)
        self._out: IO[bytes] = file.open("r+b")
        self._out.truncate(whole)
        self._out.seek(whole)

    def __len__(self) -> int:
        return len(self._done)

    def has(self, path: str, size: int, changed_ns: int) -> bool:
        """Whether this very file, unchanged since, is finished."""
        known = self._done.get(path)
        return known is not None and known[1:] == (size, changed_ns)

    def add(self, line: Line) -> None:
        """Write down a finished file; it is safe from a kill when this returns."""
        row = {
            "path": line.path,
            "size": line.size,
            "changed_ns": line.changed_ns,
            "answers": [one.__dict__ for one in line.answers],
        }
        at = self._out.tell()
        self._out.write(json.dumps(row).encode() + b"\n")
        self._out.flush()
        self._done[line.path] = (at, line.size, line.changed_ns)
        self._unsynced += 1
        if self._unsynced >= _SYNC_EVERY:
            self.sync()

    def sync(self) -> None:
        """Wait until everything is on the disk."""
        os.fsync(self._out.fileno())
        self._unsynced = 0

    def answers(self, path: str) -> tuple[Answer, ...]:
        """Of a finished file. Raises KeyError for another."""
        with self._file.open("rb") as source:
            source.seek(self._done[path][0])
            return _line(source.readline(), self._file).answers

    def close(self) -> None:
        self.sync()
        self._out.close()

    def _start(self, asked: dict[str, str]) -> None:
        with self._file.open("wb") as out:
            out.write(json.dumps({"asked": asked}).encode() + b"\n")
            out.flush()
            os.fsync(out.fileno())
        sync_folder(self._file.parent)

    def _read(self, asked: dict[str, str]) -> int:
        """Length in bytes of the whole lines, after which the next one goes."""
        with self._file.open("rb") as source:
            head = source.readline()
            if not head.endswith(b"\n"):
                source.close()
                self._start(asked)
                return self._file.stat().st_size
            begun = json_as(_object(head, self._file), _Head, str(self._file)).asked
            if begun != asked:
                other = ", ".join(
                    f"{key} {begun.get(key)}" for key in asked if begun.get(key) != asked[key]
                )
                raise OtherQuestion(f"it was begun with {other}")
            at = source.tell()
            for raw in _whole_lines(source):
                line = _line(raw, self._file)
                self._done[line.path] = (at, line.size, line.changed_ns)
                at += len(raw)
        return at


def _whole_lines(source: IO[bytes]) -> Iterator[bytes]:
    for raw in source:
        if not raw.endswith(b"\n"):
            return  # cut off by a kill
        yield raw


def _object(raw: bytes, file: Path) -> JsonObject:
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise ValueError(f"{file} is no journal of an analysis: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{file} is no journal of an analysis")
    return value


def _line(raw: bytes, file: Path) -> Line:
    return json_as(_object(raw, file), Line, str(file))
