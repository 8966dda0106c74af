"""Foundation models of blood cells that can be fetched: where, whose, under which licence."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class FoundationModel:
    """What is known of a network before it is here.

    ``sha256`` is of the file at ``address``, by ``sha256_from``; ``size_mb`` is what its weights
    take at least: the authors' file may hold parts of their training besides. ``licence`` is what a
    person has to accept.
    """

    name: str
    address: str
    page: str
    citation: str
    licence: str
    size_mb: int
    sha256: str | None
    sha256_from: str
    width: int
    depth: int
    heads: int


FOUNDATION_MODELS: Final[dict[str, FoundationModel]] = {
    "dinobloom-s": FoundationModel(
        name="dinobloom-s",
        address="https://zenodo.org/records/10908163/files/DinoBloom-S.pth?download=1",
        page="https://zenodo.org/records/10908163",
        citation="Koch et al. 2024, DinoBloom, MICCAI, arXiv:2404.05022",
        licence="as its authors state it on that page; the project could not check it there, so "
        "read it before you accept it. The sets it was trained on have terms of their own.",
        size_mb=86,
        sha256="c2f7990b003e89bcece80e379fb8fe0ba2ec392ce19b286e8a294abd99568e44",
        sha256_from="STAMP, another project that reads the same file; the authors name none",
        width=384,
        depth=12,
        heads=6,
    ),
}
