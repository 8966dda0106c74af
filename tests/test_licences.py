"""Every package that is shipped may be: its licence is permissive, or stands here with a reason."""

from __future__ import annotations

import importlib.metadata
import re

from tests.fixtures.paths import ROOT

PERMISSIVE = re.compile(
    r"(Apache|MIT|BSD|0BSD|ISC|PSF|Python Software Foundation|Zlib|CC0|BSL-1\.0|OFL)", re.I
)
FORBIDDEN = re.compile(r"(?<!L)GPL|AGPL|SSPL|Proprietary|NonCommercial|CC-BY-NC", re.I)
NAMED = {
    "fpdf2": "LGPL-3.0: used unchanged, as a library of its own",
    "psycopg": "LGPL-3.0: used unchanged, as a library of its own",
    "psycopg-binary": "LGPL-3.0: used unchanged, as a library of its own",
    "certifi": "MPL-2.0: a list of certificates, used unchanged",
    "tqdm": "MPL-2.0 and MIT: used unchanged",
    "cuda-toolkit": "names packages of NVIDIA and holds nothing; only where torch finds CUDA",
}
"""Packages with another licence, and why they may be shipped."""

NVIDIA = re.compile(r"nvidia-.*")
"""The libraries of CUDA: not part of this program, fetched by pip with torch on Linux."""


def _locked():
    text = (ROOT / "requirements.lock").read_text()
    return sorted(set(re.findall(r"^([A-Za-z0-9_.-]+)==", text, re.M)))


def _licence(name):
    """What a package says of itself; None where it is not installed on this system."""
    try:
        stored = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return None

    def all_of(key):
        return [str(value) for value in stored.get_all(key) or []]

    kinds = [c for c in all_of("Classifier") if c.startswith("License")]
    first = "".join(all_of("License")).strip().splitlines()[:1]
    return "".join(all_of("License-Expression")) or "; ".join(kinds) or "".join(first)


def test_every_package_that_is_shipped_may_be():
    names = _locked()
    assert len(names) > 80
    wrong = {}
    for name in names:
        licence = _licence(name)
        if licence is None or name in NAMED or NVIDIA.fullmatch(name):
            continue
        if not PERMISSIVE.search(licence) or FORBIDDEN.search(licence):
            wrong[name] = licence
    assert wrong == {}


def test_what_is_named_is_shipped_and_needs_to_be_named():
    assert NAMED.keys() <= set(_locked())
    for name in NAMED:
        licence = _licence(name) or ""
        assert "GPL" in licence or "MPL" in licence or "Mozilla" in licence or not licence, name


def test_the_check_finds_what_it_looks_for():
    for licence in ("GPL-3.0-only", "AGPL-3.0", "LicenseRef-NVIDIA-Proprietary", "CC-BY-NC-4.0"):
        assert FORBIDDEN.search(licence), licence
    assert not PERMISSIVE.search("Proprietary") and not FORBIDDEN.search("Apache-2.0")
