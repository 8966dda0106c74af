"""No text of the product holds invisible characters: what is copied is what is seen."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_ENDINGS = {".py", ".js", ".css", ".html", ".md", ".json", ".toml"}
_SPACES = {"\u00a0", "\u2002", "\u2003", "\u2007", "\u2009", "\u202f", "\u3000"}
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")


def _invisible(letter: str) -> bool:
    return unicodedata.category(letter) == "Cf" or letter in _SPACES


def _found(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8")
    # Written as an escape it is as invisible on the screen.
    escaped = [chr(int(one or two, 16)) for one, two in _ESCAPED.findall(text)]
    return [f"U+{ord(letter):04X}" for letter in (*text, *escaped) if _invisible(letter)]


def test_the_look_finds_what_it_looks_for(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text('JOINER = "\\' + 'u2060"\nSPACE = "\u00a0"\n', encoding="utf-8")
    assert sorted(_found(file)) == ["U+00A0", "U+2060"]


def test_no_text_of_the_product_holds_an_invisible_character() -> None:
    files = [ROOT / "screens.py"]
    files += [
        f for part in ("core", "pages") for f in (ROOT / part).rglob("*") if f.suffix in _ENDINGS
    ]
    assert len(files) > 100
    assert {str(f.relative_to(ROOT)): found for f in files if (found := _found(f))} == {}
