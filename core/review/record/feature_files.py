"""What the white-cell network made of the cells of a stored picture, kept beside the picture.

One file a picture, of the network that looked last; another network's takes its place. It can be
computed again at any time, so a file that cannot be read is as good as none. It is no part of what
the ledger or a backup covers, and goes where its picture is erased.
"""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.files import write_atomically
from core.records import Box
from core.review.record.review_store import ReviewStore

Array = npt.NDArray[np.floating]
Answer = tuple[Array, Array]
"""Features and logits of one cell."""


def stored_answers(store: ReviewStore, sha256: str, model: str) -> dict[Box, Answer]:
    """Features and logits of the cells of a picture by their box; empty where none are kept.

    Args:
        store: the database and its folder.
        sha256: of the stored picture.
        model: identity of the network, such as ``wbc@0123abcd``; another one's are not given.
    """
    boxes, features, logits = _arrays(store, sha256, model, "boxes", "features", "logits")
    if not len(boxes) == len(features) == len(logits):
        return {}
    return {
        box: (features[i].astype(np.float32), logits[i]) for i, box in enumerate(_as_boxes(boxes))
    }


def stored_boxes(store: ReviewStore, sha256: str, model: str) -> set[Box]:
    """The cells of a picture of which :func:`stored_answers` has an answer, read without them."""
    return set(_as_boxes(*_arrays(store, sha256, model, "boxes")))


def keep_answers(store: ReviewStore, sha256: str, model: str, fresh: Mapping[Box, Answer]) -> None:
    """Keep these with what is kept of the picture by the same network already.

    Features as half floats, 2.5 kB a cell of 1,280. Raises OSError.
    """
    kept = stored_answers(store, sha256, model) | dict(fresh)
    if not kept:
        return
    out = io.BytesIO()
    np.savez(
        out,
        model=np.array(model),
        boxes=np.array(list(kept), np.float64),
        features=np.stack([features for features, _ in kept.values()]).astype(np.float16),
        logits=np.stack([logits for _, logits in kept.values()]).astype(np.float32),
    )
    path = _path(store, sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, out.getvalue())


def remove_answers(store: ReviewStore, sha256: str) -> None:
    """Remove what is kept of a picture. Raises OSError."""
    _path(store, sha256).unlink(missing_ok=True)


def _arrays(store: ReviewStore, sha256: str, model: str, *names: str) -> list[Array]:
    """The arrays of these names, no others are read; empty ones where no such answer is kept."""
    try:
        with np.load(_path(store, sha256), allow_pickle=False) as kept:
            if str(kept["model"]) == model:
                return [kept[name] for name in names]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass
    return [np.zeros(0) for _ in names]


def _as_boxes(rows: Array) -> list[Box]:
    return [(float(x0), float(y0), float(x1), float(y1)) for x0, y0, x1, y1 in rows]


def _path(store: ReviewStore, sha256: str) -> Path:
    return store.folder / "cell-features" / sha256[:2] / f"{sha256}.npz"
