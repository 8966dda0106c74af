"""``python -m core.imaging.decode.process``: decodes what comes on stdin, within bounds.

One message a picture. Request: two big-endian numbers (4 and 8 bytes: length of a JSON object and
of the file), the object, the file. Answer: the same of a JSON object and pixels. The process ends
when stdin does, so nothing is left behind when the program that started it is gone.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from dataclasses import asdict
from typing import IO, Final, Literal, NotRequired, TypedDict

from core.imaging.decode import count_pictures, decode, decode_grey, stored_size
from core.imaging.refusal import ImageRefused, Limits

HEADER: Final = struct.Struct(">IQ")

Task = Literal["decode", "grey", "size", "count"]


class Request(TypedDict):
    """What is asked of this process: ``most`` is how many bytes of pixels the answer may have."""

    do: Task
    name: str
    limits: dict[str, float]
    most: int
    frame: NotRequired[int | None]


class Reply(TypedDict, total=False):
    """What it answers: a refusal has ``code`` and ``message``, the rest is by the task."""

    shape: list[int]
    pictures: int
    size: dict[str, int]
    code: str
    message: str


def limit_memory(most: int) -> None:
    """Let this process use ``most`` bytes of memory in all; more raises MemoryError in it.

    The limit is on addresses: what is mapped now (code of libraries, most of it never touched)
    is allowed for, what is in memory now counts. Without `resource` (Windows) there is none.
    """
    try:
        import resource

        pages = [int(word) for word in open("/proc/self/statm").read().split()[:2]]  # noqa: SIM115
        mapped, resident = (count * resource.getpagesize() for count in pages)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # no picture in a core dump
        bound = mapped + most - resident
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
    except (ImportError, OSError, ValueError):
        return


def answer(request: Request, data: bytes) -> tuple[Reply, bytes | memoryview]:
    """Does what one request asks for."""
    name, limits = request["name"], Limits(**request["limits"])  # type: ignore[arg-type]  # JSON knows one kind of number
    try:
        if request["do"] == "count":
            return {"pictures": count_pictures(name, data, limits)}, b""
        if request["do"] == "size":
            return {"size": asdict(stored_size(name, data, limits))}, b""
        if request["do"] == "grey":
            pixels = decode_grey(name, data, limits)
        else:
            pixels = decode(name, data, limits, request.get("frame"))
    except ImageRefused as refusal:
        return {"code": refusal.code, "message": refusal.message}, b""
    return {"shape": list(pixels.shape)}, pixels.data.cast("B")


def serve(requests: IO[bytes], answers: IO[bytes], seconds: float) -> None:
    """Answers until ``requests`` ends."""
    while True:
        head = requests.read(HEADER.size)
        if len(head) < HEADER.size:
            return
        words, length = HEADER.unpack(head)
        request: Request = json.loads(requests.read(words))
        data = requests.read(length)
        if len(data) < length:
            return
        # Whoever asked ends this process when the time is up. If that program is gone, nobody
        # does, and the alarm ends it.
        alarm = getattr(signal, "setitimer", None)
        if alarm is not None:
            alarm(signal.ITIMER_REAL, seconds + 2)
        reply, pixels = answer(request, data)
        text = json.dumps(reply).encode()
        answers.write(HEADER.pack(len(text), len(pixels)) + text)
        answers.write(pixels)
        answers.flush()
        if alarm is not None:
            alarm(signal.ITIMER_REAL, 0)
        if reply.get("code") == "too_much_memory":
            return  # its heap is in pieces; the next picture gets a fresh process


def main() -> None:
    """Serves stdin and stdout, with the bounds named on the command line."""
    most, seconds = int(sys.argv[1]), float(sys.argv[2])
    # Ctrl-C in a terminal reaches every process of it; the program decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    # A library that prints must not write among the answers.
    os.dup2(2, 1)
    limit_memory(most)
    answers.write(b"ready")
    answers.flush()
    serve(requests, answers, seconds)


if __name__ == "__main__":
    main()
