"""The risk file names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "safety.md"


def _rows() -> list[list[str]]:
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_hazard_has_a_cause_a_control_and_a_test() -> None:
    assert len(_rows()) >= 21
    assert [row for row in _rows() if len(row) != 4 or not all(row)] == []


def test_the_tests_that_are_named_exist() -> None:
    missing = []
    for row in _rows():
        named = re.findall(r"`(tests/[^`:]+?\.py)(?:::(\w+))?`", row[3])
        if not named:
            missing.append(row[0])
        for file, function in named:
            path = ROOT / file
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            if not text or (function and f"def {function}(" not in text):
                missing.append(f"{file}::{function}")
    assert missing == []
