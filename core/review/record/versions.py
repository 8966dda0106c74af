"""Which code made a finding: the commit, and the hash of the files that prepare a picture."""

import hashlib
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Final

from core.settings import ROOT

_PREPARING: Final = (
    "core/imaging/decode/colour.py",
    "core/imaging/decode/depth.py",
    "core/imaging/decode/dicom.py",
    "core/imaging/decode/raster.py",
    "core/imaging/decode/tiff.py",
    "core/imaging/decode/tiff_pages.py",
    "core/imaging/decode/tiff_ycbcr.py",
    "core/inference/locate/locator.py",
    "core/inference/locate/peaks.py",
    "core/inference/locate/cell_crop.py",
    "core/inference/smear.py",
    "core/inference/white_cell/classify.py",
    "core/inference/locate/regression.py",
    "core/inference/palm/screening.py",
    "core/inference/palm/crop.py",
)


@lru_cache(maxsize=1)
def code_version() -> str:
    """Commit of the program, ``unknown`` outside a repository."""
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


@lru_cache(maxsize=1)
def preprocessing_version() -> str:
    """Hash of the files between a picture's bytes and a model's input, 12 digits.

    A number raised by hand would be forgotten; the files themselves cannot be.
    """
    digest = hashlib.sha256()
    for name in _PREPARING:
        file = Path(ROOT / name)
        digest.update(file.read_bytes() if file.is_file() else name.encode())
    return digest.hexdigest()[:12]
