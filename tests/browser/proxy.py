"""A proxy that signs somebody in: it passes bytes on and names the person in two headers.

Only the first request of a connection gets them; a WebSocket is always a connection of its own,
and Streamlit reads who it is from there.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlparse


@contextmanager
def signing_in(server: str, **headers: str) -> Iterator[str]:
    """Address of a proxy before ``server`` that adds ``headers``; ``_`` in a name stands for -."""
    target = urlparse(server)
    added = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(
            target=_accept, args=(listening, target.hostname, target.port, added), daemon=True
        ).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def _accept(listening: socket.socket, host: str, port: int, added: str) -> None:
    with suppress(OSError):  # closed at the end of the test
        while True:
            near, _ = listening.accept()
            threading.Thread(target=_serve, args=(near, host, port, added), daemon=True).start()


def _serve(near: socket.socket, host: str, port: int, added: str) -> None:
    # One connection's trouble is its own: it ends for the browser, which asks again.
    with suppress(OSError), near, socket.create_connection((host, port)) as far:
        back = threading.Thread(target=_pass_on, args=(far, near), daemon=True)
        back.start()
        _outwards(near, far, added)
        back.join()


def _outwards(near: socket.socket, far: socket.socket, added: str) -> None:
    first = b""
    while b"\r\n" not in first:
        more = near.recv(65536)
        if not more:
            far.shutdown(socket.SHUT_WR)
            return
        first += more
    line, rest = first.split(b"\r\n", 1)
    far.sendall(line + b"\r\n" + added.encode() + rest)
    _pass_on(near, far)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    # Also after an error: the other side must not wait for what never comes.
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
