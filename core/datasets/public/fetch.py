"""Getting a public set from its authors' address: resumed where it broke off, checked, unpacked."""

import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Final
from urllib.parse import urlparse

from typing_extensions import TypedDict

from core.datasets.archive import ArchiveRefused, unpack
from core.files import read_json_as, sha256_of, write_json

_BLOCK: Final = 1 << 20
_TIMEOUT_S: Final = 60.0
RECORD: Final = "source.json"
"""Beside the pictures: where they came from, when complete; and the archive's hash."""


class FetchRefused(ValueError):
    """A set that was not fetched; the message says why, and what was kept."""


@dataclass(frozen=True)
class Source:
    """Where a set's authors keep it.

    ``sha256`` is the archive's where they publish one; None means that the hash of the first
    download is written down and asked of every later one. ``top`` is the folder with the set in it,
    below the one folder that archives of repositories have. ``remark`` says what a user should
    know of it.
    """

    address: str
    page: str
    licence: str
    citation: str
    sha256: str | None = None
    top: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Fetched:
    """What came: files unpacked into ``folder``, the archive's hash, and whether it was known."""

    folder: Path
    files: int
    sha256: str
    checked: bool


class _Known(TypedDict, total=False):
    """What is known of an archive before all of it is here; ``etag`` is the server's mark of it."""

    address: str
    etag: str | None
    sha256: str


Report = Callable[[int, int | None], None]


def fetch(
    name: str, source: Source, data: Path, report: Report = lambda done, total: None
) -> Fetched:
    """Download, check and unpack a set into ``data/name``.

    A download that broke off is gone on with. What was downloaded is kept until it is unpacked.

    Raises:
        FetchRefused: if the set is already there, the server does not give it, or it is not what
            it should be.
    """
    folder = data / name
    if folder.exists() and any(folder.iterdir()):
        raise FetchRefused(f"{folder} is already there; move it away to fetch it again")
    kept = data / ".fetch"
    kept.mkdir(parents=True, exist_ok=True)
    part, record = kept / f"{name}.part", kept / f"{name}.json"
    download(source.address, part, record, report)
    digest = sha256_of(part)
    known = read_json_as(record, _Known) or {}
    expected = source.sha256 or known.get("sha256")
    if expected is not None and digest != expected:
        part.unlink()
        raise FetchRefused(
            f"what came from {source.address} has the hash {digest[:12]}, expected is "
            f"{expected[:12]}; it was thrown away, nothing was unpacked"
        )
    write_json(record, {**known, "address": source.address, "sha256": digest})
    try:
        files = _unpack(part, folder, source.top)
    except ArchiveRefused as refusal:
        raise FetchRefused(f"{name} was not unpacked: {refusal.message}") from refusal
    origin = {"address": source.address, "sha256": digest}
    origin |= {"licence": source.licence, "citation": source.citation}
    write_json(folder / RECORD, origin, indent=2)
    part.unlink()
    return Fetched(folder, files, digest, expected is not None)


def download(address: str, part: Path, record: Path, report: Report) -> None:
    """Download a file into ``part``, or go on with what is there of it.

    Args:
        address: of a web server.
        part: what came so far, and the whole file in the end.
        record: remembers the address and the server's mark of the file.
        report: gets the bytes that are there, and how many there are in all if known.

    Raises:
        FetchRefused: if the server does not give it, or it broke off.
    """
    if urlparse(address).scheme not in ("http", "https"):
        raise FetchRefused(f"{address} is no address of a web server")
    known = read_json_as(record, _Known) or {}
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(address, headers={"User-Agent": "hemadesk"})
    if have and known.get("address", address) == address:
        request.add_header("Range", f"bytes={have}-")
        # Without the same mark the server sends the whole file: it has changed since.
        if etag := known.get("etag"):
            request.add_header("If-Range", etag)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            _write(answer, address, part, record, known, have, report)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # all of it is here already
            return
        raise FetchRefused(f"{address} answered {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        size = part.stat().st_size if part.is_file() else 0
        raise FetchRefused(
            f"the download from {address} broke off ({error}); {size / 1e6:.1f} MB are kept, the "
            "same command goes on from there"
        ) from error


def _write(
    answer: HTTPResponse,
    address: str,
    part: Path,
    record: Path,
    known: _Known,
    have: int,
    report: Report,
) -> None:
    goes_on = answer.status == 206
    etag = answer.headers.get("ETag")
    write_json(record, {**known, "address": address, "etag": etag})
    length = answer.headers.get("Content-Length")
    done = have if goes_on else 0
    total = None if length is None else done + int(length)
    with part.open("ab" if goes_on else "wb") as file:
        while block := answer.read(_BLOCK):
            file.write(block)
            done += len(block)
            report(done, total)
    if total is not None and done < total:
        raise ConnectionError(f"{done} of {total} bytes came")


def _unpack(archive: Path, folder: Path, top: str) -> int:
    whole = folder.with_name(f"{folder.name}.whole")
    shutil.rmtree(whole, ignore_errors=True)
    if folder.is_dir():
        folder.rmdir()  # empty, or fetch() would have refused
    files = unpack(archive, whole)
    inner = _only_folder(whole) / top
    if not inner.is_dir():
        raise ArchiveRefused("damaged", f"the archive has no folder {top}")
    if inner == whole:
        whole.rename(folder)
    else:
        inner.rename(folder)
        shutil.rmtree(whole)
    return files


def _only_folder(whole: Path) -> Path:
    """Archives of repositories hold one folder, named after the repository."""
    inside = list(whole.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else whole
