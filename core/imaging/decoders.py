"""Pictures are decoded in processes of their own, with limits of time and memory.

A file of half a megabyte can hold a decoder for minutes or fill the memory, and a decoder that
crashes takes its process with it. Here it takes a child, and costs one refusal. Children stay warm
between pictures. They are started with `subprocess`, not `multiprocessing`: workers of a training
are daemons, which may have no children of that kind, and a start must not run the main program
again. Decision 015 has the reasons and what it costs.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from core.imaging.decode.process import HEADER
from core.imaging.refusal import MEGA, ImageRefused, Limits
from core.records import RgbImage
from core.settings import ROOT

SECONDS: Final = 10.0
MEMORY_BYTES: Final = 1_000_000_000
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 0.5
_PIPE_BYTES: Final = 1 << 20

_log = logging.getLogger(__name__)


class Stop:
    """Ends work that was begun: like `threading.Event`, and a picture being decoded ends at once.

    Pictures read inside ``with stop.applies():`` are refused as ``stopped`` after `set`.
    """

    def __init__(self) -> None:
        self._set = False
        self._lock = threading.Lock()
        self._ends: set[Callable[[], None]] = set()

    def set(self) -> None:
        """Ask for the end. May be called from any thread, more than once."""
        with self._lock:
            self._set = True
            ends = list(self._ends)
        for end in ends:
            end()

    def is_set(self) -> bool:
        return self._set

    @contextlib.contextmanager
    def applies(self) -> Iterator[None]:
        """Pictures that this thread reads inside the block end with this stop."""
        token = _stop.set(self)
        try:
            yield
        finally:
            _stop.reset(token)

    @contextlib.contextmanager
    def _calls(self, end: Callable[[], None]) -> Iterator[None]:
        with self._lock:
            self._ends.add(end)
            is_set = self._set
        if is_set:  # set before the block: the lock makes sure that one of the two sees the other
            end()
        try:
            yield
        finally:
            with self._lock:
                self._ends.discard(end)


_stop: ContextVar[Stop | None] = ContextVar("stop", default=None)


class _ChildGone(Exception):
    """A decoding process ended before it answered."""


class _Stopped(Exception):
    """A stop was asked for before a decoding process was free."""


class _Child:
    """One decoding process. It serves one request at a time."""

    def __init__(self) -> None:
        one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "core.imaging.decode.process", str(MEMORY_BYTES), str(SECONDS)],
            cwd=ROOT,
            env={**os.environ, **one_thread},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # decoders print what stands in damaged files
            bufsize=0,
        )
        self._widen_pipes()
        self._lock = threading.Lock()
        self._requests = 0
        self._serving = False
        self.why_ended = ""
        with self._bounded(_START_SECONDS):
            if self._read(5) != b"ready":
                raise _ChildGone

    def _widen_pipes(self) -> None:
        # A field of 640 x 480 then passes in one piece instead of fifteen.
        with contextlib.suppress(ImportError, AttributeError, OSError):
            import fcntl

            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def was_killed(self) -> bool:
        """Did somebody else end it: the system short of memory, or a person."""
        return not self.why_ended and self._process.wait() == -9

    def ask(self, request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytearray]:
        """One request and its answer.

        Raises:
            _ChildGone: if the process ended, by itself or because `SECONDS` or a stop ended it.
        """
        stop = _stop.get()
        with self._bounded(SECONDS) as number, contextlib.ExitStack() as stack:
            if stop is not None:
                stack.enter_context(stop._calls(lambda: self._end(number, "stopped")))
            text = json.dumps(request).encode()
            self._write(HEADER.pack(len(text), len(data)) + text)
            self._write(data)
            words, length = HEADER.unpack(self._read(HEADER.size))
            reply = json.loads(self._read(words))
            if length > request["most"]:
                raise _ChildGone  # only a process that a file took over would say that
            return reply, self._read(length)

    @contextlib.contextmanager
    def _bounded(self, seconds: float) -> Iterator[int]:
        """The process is ended if the block takes longer."""
        with self._lock:
            self._requests += 1
            number, self._serving = self._requests, True
        timer = threading.Timer(seconds, self._end, (number, "time"))
        timer.daemon = True
        timer.start()
        try:
            yield number
        except BaseException:
            # The next request must not read the rest of this one's answer.
            self.close()
            raise
        finally:
            timer.cancel()
            with self._lock:
                self._serving = False

    def _end(self, number: int, why: str) -> None:
        """Ends the process if it still serves request ``number``, and not a later one."""
        with self._lock:
            if self._serving and self._requests == number:
                self.why_ended = self.why_ended or why
                self._process.kill()

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        assert self._process.stdin is not None
        try:
            while left:
                left = left[self._process.stdin.write(left) or 0 :]
        except (OSError, ValueError) as error:
            raise _ChildGone from error

    def _read(self, length: int) -> bytearray:
        assert self._process.stdout is not None
        data = bytearray(length)
        left = memoryview(data)
        try:
            while left:
                count = self._process.stdout.readinto(left)  # type: ignore[attr-defined]  # unbuffered: a raw file
                if not count:
                    raise _ChildGone
                left = left[count:]
        except (OSError, ValueError) as error:
            raise _ChildGone from error
        return data

    def close(self) -> None:
        """End it and wait until it is gone."""
        self._process.kill()
        self.forget()
        self._process.wait()

    def forget(self) -> None:
        """Let go of its pipes; with the last holder gone it ends by itself."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe and pipe.close()


class _Pool:
    """Children that wait for work; as many as may work at once, started when they are needed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._free: list[_Child] = []
        self._all: set[_Child] = set()
        self._starting = 0
        self._change = threading.Condition()

    @contextlib.contextmanager
    def child(self) -> Iterator[_Child]:
        """A child for one request; nobody else has it meanwhile.

        Raises:
            OSError, _ChildGone: if none can be started.
        """
        child = self._take()
        try:
            yield child
        finally:
            with self._change:
                if child.alive:
                    self._free.append(child)
                else:
                    self._drop(child)
                self._change.notify()

    def _drop(self, child: _Child) -> None:
        self._all.discard(child)
        child.close()

    def _take(self) -> _Child:
        with self._change:
            while True:
                while self._free:
                    child = self._free.pop()
                    if child.alive:
                        return child
                    self._drop(child)
                if len(self._all) + self._starting < self._most:
                    self._starting += 1
                    break
                # Whoever has a child gives it back within its time limit.
                self._change.wait(_STOP_SECONDS)
                stop = _stop.get()
                if stop is not None and stop.is_set():
                    raise _Stopped
        started = None
        try:
            started = _Child()  # outside the lock: it takes a while
            return started
        finally:
            with self._change:
                self._starting -= 1
                if started is not None:
                    self._all.add(started)
                self._change.notify()

    def close(self) -> None:
        """End all children, those at work too."""
        with self._change:
            ending, self._free, self._all = list(self._all), [], set()
        for child in ending:
            child.close()

    def forget(self) -> None:
        """Close the pipes of all children, which belong to another process."""
        for child in self._all:
            child.forget()


def _new_pool() -> _Pool:
    return _Pool(max(2, min(4, os.cpu_count() or 1)))


_pool = _new_pool()


@atexit.register
def close() -> None:
    """End every decoding process; the next picture starts one again."""
    _pool.close()


def _after_fork() -> None:
    # The copy of a process must not talk to its parent's children, nor keep their pipes open.
    global _pool
    _pool.forget()
    _pool = _new_pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def count_pictures(name: str, data: bytes, limits: Limits) -> int:
    """How many pictures a file holds, as `core.imaging.decode.count_pictures`.

    Raises:
        ImageRefused: also if the file is not understood in time or memory.
    """
    reply, _ = _ask(name, data, limits, do="count", frame=None)
    return int(reply["pictures"])


def decode(name: str, data: bytes, limits: Limits, frame: int | None = None) -> RgbImage:
    """The picture of a file, as `core.imaging.decode.decode`, in at most `SECONDS`.

    Raises:
        ImageRefused: also ``too_slow``, ``too_much_memory``, ``stopped``.
    """
    reply, pixels = _ask(name, data, limits, do="decode", frame=frame)
    height, width, channels = reply["shape"]
    return np.frombuffer(pixels, np.uint8).reshape(height, width, channels)


def _ask(
    name: str, data: bytes, limits: Limits, **words: object
) -> tuple[dict[str, Any], bytearray]:
    most = int(3 * limits.max_megapixels * MEGA) + 3
    request = {"name": name, "limits": asdict(limits), "most": most, **words}
    for attempt in (1, 2):
        try:
            with _pool.child() as child:
                try:
                    reply, pixels = child.ask(request, data)
                except _ChildGone as error:
                    if child.was_killed and attempt == 1:
                        continue  # ended from outside: not the picture's fault, once
                    raise _ended(name, child.why_ended) from error
        except _Stopped:
            raise _ended(name, "stopped") from None
        except (OSError, _ChildGone) as error:
            _log.exception("the decoding process did not start")
            message = (
                f"{name} was not read: the process that decodes pictures did not start. The log "
                "says why."
            )
            raise ImageRefused(name, "unreadable", message) from error
        if "message" in reply:
            raise ImageRefused(name, str(reply["code"]), str(reply["message"]))
        return reply, pixels
    raise AssertionError("unreachable")


def _ended(name: str, why: str) -> ImageRefused:
    if why == "stopped":
        return ImageRefused(name, "stopped", f"{name} was not read: it was stopped.")
    if why == "time":
        message = (
            f"{name} took longer than {SECONDS:g} seconds to be decoded and was not read. Save it "
            "again as an ordinary JPEG or PNG."
        )
        return ImageRefused(name, "too_slow", message)
    message = (
        f"{name} is damaged, or made so that reading it fails: the decoder ended. Save it again "
        "as an ordinary JPEG or PNG."
    )
    return ImageRefused(name, "truncated", message)
