"""Getting a foundation model from its authors' address: resumed, checked, rewritten, installed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from typing_extensions import TypedDict

from core.datasets.public.fetch import FetchRefused, download
from core.files import read_json_as, sha256_of, write_json
from core.models.foundation import (
    InstalledFoundation,
    foundation_folder,
    install_foundation,
)
from core.models.foundation_models import FoundationModel

_KNOWN: Final = "fetched.json"
"""Hashes of the first download of each address that no hash is known for."""


class _Known(TypedDict):
    hashes: dict[str, str]


@dataclass(frozen=True)
class FetchedFoundation:
    """What came. ``was_known``: its hash was compared with one known before."""

    installed: InstalledFoundation
    source_sha256: str
    was_known: bool


def fetch_foundation(
    model: FoundationModel,
    address: str | None = None,
    report: Callable[[int, int | None], None] = lambda done, total: None,
) -> FetchedFoundation:
    """Download, check and install a network.

    Args:
        model: which.
        address: where from, if not from its authors.
        report: gets the bytes that are there, and how many there are in all if known.

    Raises:
        FetchRefused: if the server does not give it, it breaks off (the same call goes on from
            there), or it is not the file it should be.
        WeightsRefused: if the file holds another network.
        OSError: if it cannot be written.
    """
    wanted = address or model.address
    folder = foundation_folder() / ".fetch"
    folder.mkdir(parents=True, exist_ok=True)
    part, record = folder / f"{model.name}.part", folder / f"{model.name}.json"
    download(wanted, part, record, report)
    digest = sha256_of(part)
    known = read_json_as(folder / _KNOWN, _Known) or {"hashes": {}}
    expected = model.sha256 or known["hashes"].get(wanted)
    if expected is not None and digest != expected:
        part.unlink()
        raise FetchRefused(
            f"what came from {wanted} has the hash {digest[:12]}, expected is {expected[:12]}; it "
            "was thrown away, nothing was installed"
        )
    write_json(folder / _KNOWN, {"hashes": {**known["hashes"], wanted: digest}})
    installed = install_foundation(model, part, wanted)
    part.unlink()
    return FetchedFoundation(installed, digest, expected is not None)
