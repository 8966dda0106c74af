"""One decoding process, and how it is asked: a request, an answer, a limit of time."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Final

from core.imaging.decode.process import HEADER, Reply, Request
from core.imaging.decoder_processes.stop import current_stop
from core.settings import ROOT

SECONDS: Final = 10.0
MEMORY_BYTES: Final = 1_000_000_000
_START_SECONDS: Final = 60.0
_PIPE_BYTES: Final = 1 << 20


class ChildGone(Exception):
    """A decoding process ended before it answered."""


class Child:
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
                raise ChildGone

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

    def ask(self, request: Request, data: bytes) -> tuple[Reply, bytearray]:
        """One request and its answer.

        Raises:
            ChildGone: if the process ended, by itself or because `SECONDS` or a stop ended it.
        """
        stop = current_stop()
        with self._bounded(SECONDS) as number, contextlib.ExitStack() as stack:
            if stop is not None:
                stack.enter_context(stop.calls(lambda: self._end(number, "stopped")))
            text = json.dumps(request).encode()
            self._write(HEADER.pack(len(text), len(data)) + text)
            self._write(data)
            words, length = HEADER.unpack(self._read(HEADER.size))
            reply: Reply = json.loads(self._read(words))
            if length > request["most"]:
                raise ChildGone  # only a process that a file took over would say that
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
            raise ChildGone from error

    def _read(self, length: int) -> bytearray:
        assert self._process.stdout is not None
        data = bytearray(length)
        left = memoryview(data)
        try:
            while left:
                count = self._process.stdout.readinto(left)  # type: ignore[attr-defined]  # unbuffered: a raw file
                if not count:
                    raise ChildGone
                left = left[count:]
        except (OSError, ValueError) as error:
            raise ChildGone from error
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
