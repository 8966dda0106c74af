"""Which of a TIFF's pages is the picture: previews and masks are not, several pages are refused."""

from __future__ import annotations

import itertools
import math
import re
from typing import TYPE_CHECKING, Final

from core.imaging.refusal import ImageRefused, damaged

if TYPE_CHECKING:
    import tifffile

_MOST: Final = 64
_REDUCED: Final = 1
_MASK: Final = 4
_OLD_REDUCED: Final = 2
_GREY: Final = (0, 1)


def main_page(name: str, tiff: tifffile.TiffFile) -> tifffile.TiffPage:
    """The one page that is a picture of its own.

    A page whose NewSubfileType (tag 254) says that it is a reduced copy or a mask is none; pages
    below a page (SubIFDs, where raw converters put the picture under its preview) count as pages.

    Raises:
        ImageRefused: ``animated`` if there are several, or the file is one part of several.
    """
    pages = list(_pages(tiff))
    if not pages:
        raise damaged(name)
    mains = [page for page in pages if not _is_preview(page)] or pages[:1]
    page = mains[0]
    planes = _planes_announced(tiff)
    if len(mains) > 1:
        raise ImageRefused(name, "animated", _of_several(name, mains))
    if planes > max(page.samplesperpixel, 1):
        message = (
            f"{name} belongs to a picture of {planes} planes or pages, of which it shows one. "
            "Merge them and save the picture as RGB."
        )
        raise ImageRefused(name, "animated", message)
    return page


def _pages(tiff: tifffile.TiffFile) -> list[tifffile.TiffPage]:
    pages: list[tifffile.TiffPage] = []
    for index in itertools.count():
        try:
            page = tiff.pages[index]
        except IndexError:
            break
        pages.append(page)  # type: ignore[arg-type]  # frames come only with useframes=True
        # Pages below a main page that are not marked are its smaller levels (OME, SVS).
        below = list(page.pages or ()) if _is_preview(page) else []  # type: ignore[arg-type]
        pages += [sub for sub in below if not _is_preview(sub)]  # type: ignore[arg-type, misc]
        if len(pages) > _MOST:
            break
    return pages


def _is_preview(page: tifffile.TiffPage) -> bool:
    kind = page.tags.valueof(254, 0)
    old = page.tags.valueof(255, 0)
    is_marked = isinstance(kind, int) and bool(int(kind) & (_REDUCED | _MASK))
    return is_marked or old == _OLD_REDUCED


def _of_several(name: str, pages: list[tifffile.TiffPage]) -> str:
    sizes = {(page.imagewidth, page.imagelength) for page in pages}
    grey = all(page.photometric in _GREY and page.samplesperpixel == 1 for page in pages)
    if len(sizes) == 1 and grey and len(pages) in (2, 3, 4):
        return (
            f"{name} holds {len(pages)} pages, which look like the grey planes of one colour "
            "picture. Merge them and save the picture as RGB."
        )
    listed = ", ".join(
        f"page {number} of {page.imagewidth} x {page.imagelength}"
        for number, page in enumerate(pages[:4], start=1)
    )
    more = ", ..." if len(pages) > 4 else ""
    count = f"more than {_MOST}" if len(pages) > _MOST else str(len(pages))
    return (
        f"{name} holds {count} pictures or pages ({listed}{more}). Save the one you want as a "
        "file of its own."
    )


def _planes_announced(tiff: tifffile.TiffFile) -> int:
    """How many planes OME, ImageJ or tifffile say the whole picture has; 1 where none does.

    They may lie in other files (OME) or behind the only page (ImageJ), where no page shows them.
    """
    first = tiff.pages[0]
    text = str(first.tags.valueof(270, "") or "")[:100_000]  # type: ignore[union-attr]
    if text.lstrip().startswith("ImageJ="):
        match = re.search(r"^images=(\d{1,6})\s*$", text, re.MULTILINE)
        return int(match[1]) if match else 1
    shape = re.match(r'\{"shape": \[([\d, ]{1,60})\].*"truncated": true', text)
    if shape:  # tifffile, and only one page for all of them
        values = math.prod(int(side) for side in shape[1].split(","))
        return values // max(int(first.imagewidth) * int(first.imagelength), 1)  # type: ignore[union-attr]
    if "<OME" in text[:2000] or "<ome:OME" in text[:2000]:
        pixels = re.search(r"<(?:\w+:)?Pixels\b[^>]*>", text)
        planes = 1
        for axis in "CZT":
            match = re.search(
                rf"\bSize{axis}\s*=\s*[\"'](\d{{1,6}})[\"']", pixels[0] if pixels else ""
            )
            planes *= int(match[1]) if match else 1
        return planes
    return 1
