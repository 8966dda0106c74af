"""``hemadesk``: the same as ``python -m core`` in the program's folder."""

import os
import sys
from pathlib import Path

import typer


def main() -> None:
    """Run the command line; what is written goes into the user's own folder unless named."""
    os.umask(0o077)
    # The program's imports begin with core and pages, wherever its folder lies.
    sys.path.insert(0, str(Path(__file__).resolve().parent / "app"))
    home = Path(typer.get_app_dir("hemadesk"))
    os.environ.setdefault("HEMADESK_VAR", str(home / "var"))
    os.environ.setdefault("HEMADESK_DATA", str(home / "data"))
    from core.cli import app

    app(prog_name="hemadesk")
