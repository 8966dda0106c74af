"""What is shipped is listed, and known vulnerabilities in it are found without a network."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.fixtures.paths import ROOT

LOCK = """pillow==13.0.0 \\
    --hash=sha256:00
Flask_Thing==2.1.0 ; sys_platform == 'linux' \\
    --hash=sha256:00
"""


def _ran(script, *words):
    command = [sys.executable, str(ROOT / "packaging" / script), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_list_of_what_is_shipped_is_cyclonedx_and_whole():
    ran = _ran("sbom.py")
    assert ran.returncode == 0, ran.stderr
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(ran.stdout) is None
    listed = json.loads(ran.stdout)
    kinds: dict[str, list[dict[str, str]]] = {}
    for one in listed["components"]:
        kinds.setdefault(one["type"], []).append(one)
    lock = (ROOT / "requirements.lock").read_text()
    shipped = {f"{one['name']}=={one['version']}" for one in kinds["library"]}
    assert shipped == set(re.findall(r"^[^\s#]+==[^\s;]+", lock, re.MULTILINE))
    assert len(shipped) == len(kinds["library"]) > 80
    models = {one["name"] for one in kinds["machine-learning-model"]}
    assert models == {file.stem for file in (ROOT / "weights").glob("*.safetensors")}
    cells = ROOT / "core" / "review" / "reading" / "licensed_cells"
    pictures = {str(file.relative_to(cells)) for file in cells.rglob("*.webp")}
    assert {one["name"] for one in kinds["data"]} == pictures
    unnamed = [one["name"] for one in listed["components"] if not one.get("licenses")]
    # cuda-toolkit names other packages and holds nothing, no licence either.
    assert all(_is_elsewhere(name) or name == "cuda-toolkit" for name in unnamed), unnamed
    assert _ran("sbom.py").stdout == ran.stdout, "the same checkout, the same document"


def _is_elsewhere(name):
    """Not installed here: it belongs to another system or graphics card."""
    import importlib.metadata

    try:
        importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return True
    return False


def _record(identifier, name="pillow", **part):
    package = {"ecosystem": "PyPI", "name": name}
    return {
        "id": identifier,
        "modified": "2026-11-01T00:00:00Z",
        "aliases": [f"CVE-{identifier}"],
        "summary": "bad",
        "affected": [{"package": package, **part}],
    }


def _range(*events):
    return [{"type": "ECOSYSTEM", "events": list(events)}]


@pytest.mark.parametrize(
    ("record", "is_found"),
    [
        (_record("1", versions=["12.9", "13.0.0"]), True),
        (_record("1", versions=["12.9"]), False),
        (_record("1", ranges=_range({"introduced": "0"}, {"fixed": "13.0.1"})), True),
        (_record("1", ranges=_range({"fixed": "13.0.1"}, {"introduced": "0"})), True),
        (_record("1", ranges=_range({"introduced": "0"}, {"fixed": "13.0.0"})), False),
        (_record("1", ranges=_range({"introduced": "14"})), False),
        (_record("1", ranges=_range({"introduced": "0"}, {"last_affected": "13.0.0"})), True),
        (_record("1", ranges=_range({"introduced": "0"}, {"last_affected": "12.9"})), False),
        (_record("1", ranges=_range({"introduced": "0"}, {"fixed": "9"}, {"introduced": "13"})),
         True),
        (_record("1", name="flask.thing", versions=["2.1.0"]), True),
        (_record("1", name="another", versions=["13.0.0"]), False),
        (_record("1", versions=["13.0.0"]) | {"withdrawn": "2026-11-02T00:00:00Z"}, False),
    ],
)  # fmt: skip
def test_a_stored_database_is_asked(tmp_path, record, is_found):
    lock, stored = tmp_path / "lock", tmp_path / "all.zip"
    lock.write_text(LOCK)
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr("1.json", json.dumps(record))
    ran = _ran("audit.py", "--lock", lock, "--advisories", stored)
    assert ran.returncode == int(is_found), ran.stdout + ran.stderr
    assert ("CVE-1" in ran.stdout) is is_found
    assert "1 records, the newest of 2026-11-01" in ran.stdout


def test_an_exception_has_a_reason_and_an_end(tmp_path):
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "1.json").write_text(json.dumps(_record("1", versions=["13.0.0"])))
    lock, listed = tmp_path / "lock", tmp_path / "listed.toml"
    lock.write_text(LOCK)

    def ran(until, because="never decoded", package="pillow"):
        listed.write_text(
            f'[[exception]]\nid = "CVE-1"\npackage = "{package}"\nbecause = "{because}"\n'
            f"until = {until}\n"
        )
        words = ("--lock", lock, "--advisories", tmp_path / "db", "--exceptions", listed)
        return _ran("audit.py", *words)

    passed = ran("2999-01-01")
    assert passed.returncode == 0 and "accepted: never decoded" in passed.stdout
    assert ran("2020-01-01").returncode == 1, "it has ended"
    assert ran("2999-01-01", package="another").returncode == 1
    assert ran("2999-01-01", because=" ").returncode == 2
    (tmp_path / "db" / "1.json").unlink()
    empty = ran("2999-01-01")
    assert empty.returncode == 2 and "holds no records" in empty.stderr
    assert "Traceback" not in empty.stderr
