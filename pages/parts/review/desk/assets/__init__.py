"""What the desk draws with in the browser."""

from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent


def read_assets(*names: str) -> str:
    """Files of this folder, one after the other."""
    return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in names)
