"""``make audit``: known vulnerabilities in the locked packages.

``make audit ADVISORIES=all.zip`` reads a stored copy of osv.dev's records for PyPI (its export, or
a folder of the JSON files) and asks nobody. Without it, pip-audit asks PyPI. What is known and
accepted stands in ``audit-exceptions.toml``, with a reason and a day on which it ends.

Source of the records' form: https://ossf.github.io/osv-schema/
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
EXCEPTIONS = Path(__file__).with_name("audit-exceptions.toml")
_LOCKED = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", re.MULTILINE)


class AuditRefused(Exception):
    """Records or exceptions that cannot be used; the message says why."""


@dataclass(frozen=True)
class Found:
    """A record that names the locked version of a package."""

    package: str
    version: str
    identifiers: tuple[str, ...]
    summary: str


@dataclass(frozen=True)
class Accepted:
    """A vulnerability that is known and accepted, until a day."""

    identifier: str
    package: str
    because: str
    until: date


def accepted(file: Path, today: date) -> list[Accepted]:
    """The exceptions that still hold. Raises AuditRefused for one that does not say all of it."""
    rows = tomllib.loads(file.read_text(encoding="utf-8")).get("exception", [])
    found = []
    for row in rows:
        try:
            one = Accepted(row["id"], canonicalize_name(row["package"]), row["because"],
                           row["until"])  # fmt: skip
        except KeyError as error:
            raise AuditRefused(f"{file.name}: an exception lacks {error}") from error
        if not one.because.strip() or not isinstance(one.until, date):
            raise AuditRefused(f"{file.name}: {one.identifier} needs a reason and a day")
        if one.until >= today:
            found.append(one)
        else:
            print(f"{file.name}: {one.identifier} ended on {one.until}", file=sys.stderr)
    return found


def records(path: Path) -> Iterator[dict[str, Any]]:
    """OSV records of a ZIP or a folder. Raises AuditRefused."""
    try:
        if path.is_dir():
            for file in sorted(path.rglob("*.json")):
                yield json.loads(file.read_bytes())
            return
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    yield json.loads(archive.read(name))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise AuditRefused(f"{path} holds no records of osv.dev: {error}") from error


def known(lock: str, path: Path) -> tuple[list[Found], int, str]:
    """What the records say of the packages in ``lock``; how many there are; the newest's time."""
    # A package may be locked twice, for an older and a newer Python.
    versions: dict[str, list[str]] = {}
    for name, version in _LOCKED.findall(lock):
        versions.setdefault(canonicalize_name(name), []).append(version)
    found, seen, newest = [], 0, ""
    for record in records(path):
        seen += 1
        newest = max(newest, str(record.get("modified", "")))
        if record.get("withdrawn"):
            continue
        for part in record.get("affected", ()):
            package = part.get("package", {})
            name = canonicalize_name(package.get("name", ""))
            ours = versions[name] if package.get("ecosystem") == "PyPI" and name in versions else ()
            for version in ours:
                if _names(part, version):
                    names = (record["id"], *record.get("aliases", ()))
                    found.append(Found(name, version, names, record.get("summary", "")))
    if not seen:
        raise AuditRefused(f"{path} holds no records of osv.dev")
    return found, seen, newest


def _names(part: dict[str, Any], version: str) -> bool:
    if version in part.get("versions", ()):
        return True
    ranges = (one for one in part.get("ranges", ()) if one.get("type") == "ECOSYSTEM")
    return any(_within(one.get("events", ()), Version(version)) for one in ranges)


def _within(events: Any, version: Version) -> bool:
    """Whether a version lies in a range, whose events come in any order."""
    steps = []
    for event in events:
        for kind, word in event.items():
            try:
                at = Version("0.dev0" if word == "0" else word)
            except InvalidVersion:
                continue
            if kind != "limit":
                steps.append((at, kind))
    inside = False
    for at, kind in sorted(steps):
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            inside = False
    return inside


def main() -> int:
    """0 where nothing was found that is not accepted, 1 where something was, 2 without records."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--advisories", type=Path, help="osv.dev's records: a ZIP or a folder")
    parser.add_argument("--lock", type=Path, default=ROOT / "requirements.lock")
    parser.add_argument("--exceptions", type=Path, default=EXCEPTIONS)
    asked = parser.parse_args()
    try:
        exceptions = accepted(asked.exceptions, datetime.now(UTC).date())
        if asked.advisories is None:
            return _ask(asked.lock, exceptions)
        found, seen, newest = known(asked.lock.read_text(encoding="utf-8"), asked.advisories)
    except AuditRefused as refusal:
        print(refusal, file=sys.stderr)
        return 2
    print(f"{seen} records, the newest of {newest[:10] or 'no day'}")
    left = 0
    for one in found:
        reason = next((e.because for e in exceptions if e.package == one.package
                       and e.identifier in one.identifiers), None)  # fmt: skip
        left += reason is None
        words = f"accepted: {reason}" if reason else one.summary
        print(f"{one.package} {one.version}: {', '.join(one.identifiers)}: {words}")
    print(f"{left} vulnerabilities, {len(found) - left} accepted")
    return int(left > 0)


def _ask(lock: Path, exceptions: list[Accepted]) -> int:
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--require-hashes",
               "--disable-pip", "--strict"]  # fmt: skip
    for one in exceptions:
        command += ["--ignore-vuln", one.identifier]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
