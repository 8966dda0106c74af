"""Time stamps of RFC 3161: another institution says when a line of the ledger was there.

Whoever rewrites the chain today cannot have yesterday's stamp for it. The program ``openssl`` asks
and verifies; the answer stands in the file of anchors below its line, as ``stamp BASE64``.
"""

import base64
import binascii
import re
import shutil
import subprocess
import tempfile
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

STAMP: Final = "stamp "
"""What a line with a stamp begins with."""
_MOST_BYTES: Final = 200_000
_PATIENCE_S: Final = 60
_TIME: Final = re.compile(r"^Time stamp: (\w+ +\d+ [\d:]+)(?:\.\d+)? (\d{4}) GMT$", re.MULTILINE)
APART: Final = timedelta(days=1)
"""A stamp is asked for when its line is written: later than this, the line is not of its time."""


class StampRefused(ValueError):
    """A stamp that could not be had, or does not hold; the message says why."""


def stamp(text: str, address: str, authority: Path) -> str:
    """Ask a time stamping authority for a stamp of ``text``.

    Args:
        text: what was there; only its SHA-256 is sent.
        address: of the authority, ``http://`` or ``https://``.
        authority: file with the certificates, in PEM, that its own is signed by.

    Returns:
        A line that :func:`stamped_at` reads.

    Raises:
        StampRefused: if none could be had, or it does not hold.
    """
    if not address.startswith(("http://", "https://")):
        raise StampRefused(f"a time stamping authority has an http address, got {address!r}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, query, reply = folder / "data", folder / "query", folder / "reply"
        data.write_text(text, "ascii")
        _openssl("-query", "-data", data, "-sha256", "-cert", "-out", query)
        reply.write_bytes(_sent(address, query.read_bytes()))
        if not _ran("-verify", "-queryfile", query, "-in", reply, "-CAfile", authority):
            raise StampRefused(
                f"{address} gave no stamp that {authority.name} vouches for; nothing was written"
            )
        return STAMP + base64.b64encode(reply.read_bytes()).decode("ascii")


def stamped_at(line: str, text: str, authority: Path) -> datetime:
    """When ``text`` was there, by the stamp in ``line``.

    The authority's certificate must have been valid then; it may have run out since.

    Raises:
        StampRefused: if the stamp is of another text, or of nobody that ``authority`` vouches for.
    """
    with tempfile.TemporaryDirectory() as name:
        data, reply = Path(name, "data"), Path(name, "reply")
        data.write_text(text, "ascii")
        try:
            reply.write_bytes(base64.b64decode(line.removeprefix(STAMP), validate=True))
        except (ValueError, binascii.Error) as error:
            raise StampRefused("it is no stamp") from error
        found = _TIME.search(_openssl("-reply", "-in", reply, "-text"))
        if found is None:
            raise StampRefused("it names no time")
        at = datetime.strptime(" ".join(found.groups()), "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        then = str(int(at.timestamp()))
        if not _ran(
            "-verify", "-data", data, "-in", reply, "-CAfile", authority, "-attime", then
        ):  # fmt: skip
            raise StampRefused(f"it is not of this line, or {authority.name} does not vouch for it")
    return at


def _sent(address: str, query: bytes) -> bytes:
    request = urllib.request.Request(
        address, data=query, headers={"Content-Type": "application/timestamp-query"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
            reply: bytes = answer.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", error)
        raise StampRefused(f"{address} does not answer ({why}); nothing was written") from error
    if len(reply) > _MOST_BYTES:
        raise StampRefused(f"{address} answers with more than a stamp; nothing was written")
    return reply


def _openssl(*words: "str | Path") -> str:
    ran = _run(*words)
    if ran.returncode:
        raise StampRefused("it is no stamp")
    return ran.stdout


def _ran(*words: "str | Path") -> bool:
    return _run(*words).returncode == 0


def _run(*words: "str | Path") -> "subprocess.CompletedProcess[str]":
    program = shutil.which("openssl")
    if program is None:
        raise StampRefused("time stamps need the program openssl (apt-get install openssl)")
    return subprocess.run(
        [program, "ts", *map(str, words)],
        capture_output=True, text=True, errors="replace", check=False, timeout=_PATIENCE_S,
    )  # fmt: skip
