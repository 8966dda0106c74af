"""Every package that is shipped may be: its licence is permissive, or stands here with a reason."""

from __future__ import annotations

import re
import runpy

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


SBOM = runpy.run_path(str(ROOT / "packaging" / "sbom.py"))
_licence = SBOM["licence_of"]


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


def test_models_and_pictures_that_are_shipped_may_be():
    """DeepBioNet is public without a licence file: models learnt from it, no picture is shipped."""
    licences = {
        str(one["name"]): str(one["licenses"])
        for one in SBOM["document"]()["components"]
        if one["type"] != "library"
    }
    assert len(licences) > 60
    for name, licence in licences.items():
        assert re.search(r"MIT|CC[ -]BY[ -][34]", licence), name
        assert not FORBIDDEN.search(licence), name


def test_the_check_finds_what_it_looks_for():
    for licence in ("GPL-3.0-only", "AGPL-3.0", "LicenseRef-NVIDIA-Proprietary", "CC-BY-NC-4.0"):
        assert FORBIDDEN.search(licence), licence
    assert not PERMISSIVE.search("Proprietary") and not FORBIDDEN.search("Apache-2.0")
