"""The port that the app is served at, and whether another program has it."""

import socket
import tomllib
import urllib.error
import urllib.request
from typing import Final

from core.settings import ROOT

_DEFAULT_PORT: Final = 8501


def serving_port() -> int:
    """The port of ``.streamlit/config.toml``; that of Streamlit where none stands there."""
    try:
        config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError):
        return _DEFAULT_PORT
    port = config.get("server", {}).get("port", _DEFAULT_PORT)
    return port if isinstance(port, int) else _DEFAULT_PORT


def port_fault(address: str, port: int) -> str:
    """Why the app cannot be served there, as a sentence; "" where it can, or is already."""
    try:
        # Without SO_REUSEADDR a port that was served a minute ago counts as taken on Linux.
        with socket.create_server((address, port), family=_family(address)):
            return ""
    except OSError as error:
        if _is_hemadesk(address, port):
            return ""
        return (
            f"port {port} of {address} cannot be used ({error.strerror}); end the program that has "
            f"it, or serve another one: python -m core serve --port {port + 1}"
        )


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _is_hemadesk(address: str, port: int) -> bool:
    try:
        url = f"http://{address}:{port}/healthz"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.headers.get("X-Hemadesk") == "1"
    except urllib.error.HTTPError as error:
        return error.headers.get("X-Hemadesk") == "1"
    except (OSError, ValueError):
        return False
