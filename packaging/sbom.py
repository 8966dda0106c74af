"""``make sbom``: what Hemadesk ships, as a CycloneDX 1.6 document on standard output.

Packages come from requirements.lock, with the licence that each installed one names for itself;
models from their cards, licensed pictures from their table. The same checkout gives the same
document.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core import __version__  # noqa: E402  # the folder is not installed

_LOCKED = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?$", re.MULTILINE)
_CELLS = ROOT / "core" / "review" / "reading" / "licensed_cells"
_PICTURE_LICENCES = {"pbc": "CC-BY-4.0", "munich": "CC-BY-3.0"}


def locked() -> list[tuple[str, str, str]]:
    """Name, version and platform marker of each package that is shipped."""
    return _LOCKED.findall((ROOT / "requirements.lock").read_text(encoding="utf-8"))


def licence_of(name: str) -> str | None:
    """What a package says of its licence; None where it is not installed on this system."""
    try:
        stored = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return None

    def all_of(key: str) -> list[str]:
        return [str(value) for value in stored.get_all(key) or []]

    kinds = [kind for kind in all_of("Classifier") if kind.startswith("License")]
    first = "".join(all_of("License")).strip().splitlines()[:1]
    return "".join(all_of("License-Expression")) or "; ".join(kinds) or "".join(first)


def document() -> dict[str, object]:
    """The document; its serial number is made of its contents."""
    components = [*_packages(), *_models(), *_pictures()]
    stated = json.dumps(components, sort_keys=True)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'hemadesk {__version__} {stated}')}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "hemadesk",
                "name": "hemadesk",
                "version": __version__,
                "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        "components": components,
        "dependencies": [
            {"ref": "hemadesk", "dependsOn": sorted(str(one["bom-ref"]) for one in components)}
        ],
    }


def _packages() -> Iterator[dict[str, object]]:
    for name, version, marker in locked():
        address = f"pkg:pypi/{re.sub('[-_.]+', '-', name).lower()}@{version}"
        component: dict[str, object] = {
            "type": "library",
            "bom-ref": address,
            "name": name,
            "version": version,
            "purl": address,
        }
        if licence := licence_of(name):
            component["licenses"] = [{"license": {"name": licence}}]
        if marker:
            component["properties"] = [{"name": "hemadesk:only-where", "value": marker}]
        yield component


def _models() -> Iterator[dict[str, object]]:
    for file in sorted((ROOT / "weights").glob("*.safetensors")):
        card = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        component: dict[str, object] = {
            "type": "machine-learning-model",
            "bom-ref": f"weights/{file.name}",
            "name": file.stem,
            "version": card["sha256"][:8],
            "hashes": [{"alg": "SHA-256", "content": _sha256(file)}],
        }
        # The extras of a model belong to it, and have its licence.
        model = json.loads((ROOT / "weights" / f"{file.stem.split('.')[0]}.json").read_text())
        component["licenses"] = [{"license": {"name": model["licence"]}}]
        yield component


def _pictures() -> Iterator[dict[str, object]]:
    with (_CELLS / "cells.csv").open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            yield {
                "type": "data",
                "bom-ref": f"licensed_cells/{row['file']}",
                "name": row["file"],
                "hashes": [{"alg": "SHA-256", "content": _sha256(_CELLS / row["file"])}],
                "licenses": [{"license": {"id": _PICTURE_LICENCES[row["source"]]}}],
            }


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    print(json.dumps(document(), indent=2, ensure_ascii=False))
