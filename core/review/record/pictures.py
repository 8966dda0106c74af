"""Pictures of cases as files named by the hash of their content; never changed.

One is removed only where its case is erased (:mod:`core.review.retention`).
"""

import hashlib
from pathlib import Path

from core.files import sync_folder, write_atomically
from core.imaging.view import pixels_of, png
from core.records import Field, RgbImage
from core.review.record.errors import PictureLost
from core.review.record.review_store import ReviewStore


def keep(store: ReviewStore, pixels: RgbImage) -> str:
    """Write the upright pixels as a PNG and return its SHA-256, the name to find it by.

    Only pixels are written: everything else in the sent file (names, places, dates) is gone. When
    this returns the file outlasts a power cut.
    """
    return keep_png(store, png(pixels))


def keep_png(store: ReviewStore, data: bytes) -> str:
    """Like :func:`keep`, for a PNG file that this program has made."""
    name = hashlib.sha256(data).hexdigest()
    path = _path(store, name)
    if path.is_file() and path.stat().st_size == len(data):
        return name
    for folder in (store.pictures, path.parent):
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            sync_folder(folder.parent)
    write_atomically(path, data)
    return name


def read_bytes(store: ReviewStore, sha256: str) -> bytes:
    """The PNG of a stored picture.

    Raises:
        PictureLost: if it is gone, or its content does not have this hash.
    """
    path = _path(store, sha256)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PictureLost(f"the stored picture {sha256[:12]} is gone") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise PictureLost(f"the stored picture {sha256[:12]} was changed on the disk")
    return data


def read(store: ReviewStore, sha256: str, name: str = "") -> Field:
    """A stored picture as a field. Raises PictureLost."""
    return Field(name or f"{sha256[:12]}.png", pixels_of(read_bytes(store, sha256)), sha256)


def exists(store: ReviewStore, sha256: str) -> bool:
    """Whether a picture of this name lies in the store."""
    try:
        return _path(store, sha256).is_file()
    except PictureLost:  # no name of a picture
        return False


def remove(store: ReviewStore, sha256: str) -> None:
    """Remove a stored picture for good; nothing happens where there is none.

    Raises:
        OSError: if the file cannot be removed.
    """
    path = _path(store, sha256)
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        sync_folder(path.parent)


def _path(store: ReviewStore, sha256: str) -> Path:
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise PictureLost(f"{sha256[:12]!r} is no name of a stored picture")
    return store.pictures / sha256[:2] / f"{sha256}.png"
