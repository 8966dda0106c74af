"""Pictures are decoded in processes of their own, with limits of time and memory.

A file of half a megabyte can hold a decoder for minutes or fill the memory, and a decoder that
crashes takes its process with it. Here it takes a child, and costs one refusal. Children stay warm
between pictures. They are started with `subprocess`, not `multiprocessing`: workers of a training
are daemons, which may have no children of that kind, and a start must not run the main program
again. Decision 015 has the reasons and what it costs.
"""

from __future__ import annotations

import atexit
import logging
import os
from dataclasses import asdict

import numpy as np

from core.imaging.decode import StoredSize
from core.imaging.decode.process import Reply, Request, Task
from core.imaging.decoder_processes.child import MEMORY_BYTES, SECONDS, ChildGone
from core.imaging.decoder_processes.pool import Pool, Stopped
from core.imaging.decoder_processes.stop import Stop
from core.imaging.refusal import MEGA, ImageRefused, Limits
from core.records import GreyImage, RgbImage

__all__ = [
    "MEMORY_BYTES",
    "SECONDS",
    "Stop",
    "close",
    "count_pictures",
    "decode",
    "decode_grey",
    "stored_size",
]

_log = logging.getLogger(__name__)


def _new_pool() -> Pool:
    return Pool(max(2, min(4, os.cpu_count() or 1)))


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
    reply, _ = _ask(name, data, limits, "count")
    return reply["pictures"]


def decode(name: str, data: bytes, limits: Limits, frame: int | None = None) -> RgbImage:
    """The picture of a file, as `core.imaging.decode.decode`, in at most `SECONDS`.

    Raises:
        ImageRefused: also ``too_slow``, ``too_much_memory``, ``stopped``.
    """
    reply, pixels = _ask(name, data, limits, "decode", frame)
    height, width, channels = reply["shape"]
    return np.frombuffer(pixels, np.uint8).reshape(height, width, channels)


def decode_grey(name: str, data: bytes, limits: Limits) -> RgbImage | GreyImage:
    """The picture of a file for hashes, as `core.imaging.decode.decode_grey`.

    Raises:
        ImageRefused: as `decode`.
    """
    reply, pixels = _ask(name, data, limits, "grey")
    return np.frombuffer(pixels, np.uint8).reshape(reply["shape"])


def stored_size(name: str, data: bytes, limits: Limits) -> StoredSize:
    """The size of the picture in a file, as `core.imaging.decode.stored_size`.

    Raises:
        ImageRefused: also if the header is not understood in time or memory.
    """
    reply, _ = _ask(name, data, limits, "size")
    return StoredSize(**reply["size"])


def _ask(
    name: str, data: bytes, limits: Limits, do: Task, frame: int | None = None
) -> tuple[Reply, bytearray]:
    most = int(3 * limits.max_megapixels * MEGA) + 3
    request: Request = {
        "do": do,
        "name": name,
        "limits": asdict(limits),
        "most": most,
        "frame": frame,
    }
    for attempt in (1, 2):
        try:
            with _pool.child() as child:
                try:
                    reply, pixels = child.ask(request, data)
                except ChildGone as error:
                    if child.was_killed and attempt == 1:
                        continue  # ended from outside: not the picture's fault, once
                    raise _ended(name, child.why_ended) from error
        except Stopped:
            raise _ended(name, "stopped") from None
        except (OSError, ChildGone) as error:
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
