"""The project as a whole: what its files may not contain, and what must agree between them."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.fixtures.paths import ROOT

NOT_OURS = {".venv", ".git", "var", "data", "build", "__pycache__"}
NOT_OURS |= {".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".import_linter_cache"}
BINARY = {".safetensors", ".onnx", ".png", ".jpg", ".jpeg", ".ico", ".woff2"}

# Put together, so that this file does not contain what it looks for.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:" + "|".join(("work", "farm", "root", "shared")) + r")/")

# Each of these would let a file run code, or let a text put markup on the page.
FORBIDDEN_CALLS = {
    "torch.load",
    "pickle.load",
    "pickle.loads",
    "joblib.load",
    "yaml.load",
    "yaml.unsafe_load",
    "eval",
    "exec",
}
FORBIDDEN_ARGUMENTS = {"unsafe_allow_html", "allow_pickle"}

SCREEN_LIBRARIES = {"streamlit", "plotly", "pages"}
MODEL_LIBRARIES = {"torch", "torchvision", "cv2", "onnxruntime", "pytorch_grad_cam", "safetensors"}


@cache
def project_files() -> tuple[Path, ...]:
    """Every file of the project, below its root, without what tools and runs leave there."""
    return tuple(
        path
        for path in sorted(ROOT.rglob("*"))
        if path.is_file() and not NOT_OURS & set(path.relative_to(ROOT).parts)
    )


def code() -> list[Path]:
    return [path for path in project_files() if path.suffix == ".py"]


def screens() -> list[Path]:
    return [
        path
        for path in code()
        if path.relative_to(ROOT).parts[0] in {"app.py", "screens.py", "pages"}
    ]


def name_of(node: ast.expr) -> str:
    """``torch.load`` for the expression of that form, with ``?`` for what has no name."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def imported(path: Path) -> set[str]:
    """Top-level names of the packages that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


def reads_only_tensors(call: ast.Call) -> bool:
    """Whether it is ``torch.load(..., weights_only=True)``, which builds nothing but tensors."""
    return name_of(call.func) == "torch.load" and any(
        argument.arg == "weights_only"
        and isinstance(argument.value, ast.Constant)
        and argument.value.value is True
        for argument in call.keywords
    )


def forbidden_uses(source: bytes) -> list[str]:
    """Calls and arguments in a file's code that could run what a file or a user brought along."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            if name_of(node.func) in FORBIDDEN_CALLS and not reads_only_tensors(node):
                found.append(f"line {node.lineno}: {name_of(node.func)}")
            found += [
                f"line {node.lineno}: {argument.arg}"
                for argument in node.keywords
                if argument.arg in FORBIDDEN_ARGUMENTS
                and not (isinstance(argument.value, ast.Constant) and argument.value.value is False)
            ]
    return found


def pins(file: str) -> dict[str, str]:
    """Versions by package name; a package may have several, each for some Python."""
    found: dict[str, str] = {}
    for line in (ROOT / file).read_text().splitlines():
        if match := re.match(r"([A-Za-z0-9._-]+)(?:\[\w+\])?==([^\s;]+)", line):
            name = re.sub(r"[-_.]+", "-", match[1]).lower()
            found[name] = f"{found[name]} {match[2]}" if name in found else match[2]
    return found


def test_no_file_names_a_path_of_one_machine() -> None:
    named = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in project_files()
        if path.suffix.lower() not in BINARY
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if MACHINE_PATHS.search(line)
    ]
    assert not named


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch\ntorch.load('a.pt')", ["line 2: torch.load"]),
        ("torch.load(path, weights_only=maybe)", ["line 1: torch.load"]),
        ("torch.load(path, weights_only=True)", []),
        ("st.markdown(text, unsafe_allow_html=True)", ["line 1: unsafe_allow_html"]),
        ("st.markdown(text, unsafe_allow_html=allowed)", ["line 1: unsafe_allow_html"]),
        ("np.load(file, allow_pickle=False)", []),
        (
            "json.load(file); model.eval(); build(card).eval(); safetensors.torch.load_file(path)",
            [],
        ),
    ],
)
def test_forbidden_uses_are_found(source: str, expected: list[str]) -> None:
    assert forbidden_uses(source.encode()) == expected


def test_no_code_unpickles_or_trusts_markup() -> None:
    found = {str(path.relative_to(ROOT)): forbidden_uses(path.read_bytes()) for path in code()}
    assert not {path: uses for path, uses in found.items() if uses}


def test_core_knows_no_screen() -> None:
    core = [path for path in code() if path.relative_to(ROOT).parts[0] == "core"]
    assert core
    assert not [str(path) for path in core if imported(path) & SCREEN_LIBRARIES]


def test_screens_do_not_compute() -> None:
    assert not {
        str(path.relative_to(ROOT)): sorted(imported(path) & MODEL_LIBRARIES)
        for path in screens()
        if imported(path) & MODEL_LIBRARIES
    }


def test_every_model_has_its_sidecar_and_every_sidecar_its_model() -> None:
    weights = ROOT / "weights"
    models = {path.stem for path in weights.glob("*.safetensors")}
    assert models == {path.stem for path in weights.glob("*.json")}
    assert {path.stem for path in weights.glob("*.onnx")} <= models


@pytest.mark.parametrize("kind", ["requirements", "requirements-dev"])
def test_requirements_are_pinned_as_the_lock_has_them(kind: str) -> None:
    lines = (ROOT / f"{kind}.txt").read_text().splitlines()
    pinned = [line for line in lines if line and not line.startswith("#")]
    required, locked = pins(f"{kind}.txt"), pins(f"{kind}.lock")
    assert len(required) == len(pinned), "each line is one name==version"
    assert required == {name: locked.get(name) for name in required}, "run `make lock`"


def test_both_locks_name_the_same_packages() -> None:
    run, development = pins("requirements.lock"), pins("requirements-dev.lock")
    assert run == {name: development.get(name) for name in run}, "run `make lock`"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_lock_has_a_hash_for_each_package_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "index" not in text
    # An entry is one line followed by indented ones.
    entries = re.split(r"\n(?=[a-z0-9])", text.partition("\n\n")[2] or text)
    bare = [entry for entry in entries if "==" in entry and "--hash=sha256:" not in entry]
    assert not bare


def test_both_opencv_packages_have_one_version() -> None:
    # They fill the same folder: files of two versions would be mixed (docs/decisions/001).
    for file in ("requirements.txt", "requirements.lock"):
        found = pins(file)
        assert found["opencv-python"] == found["opencv-python-headless"]


def test_decisions_are_numbered_without_gaps() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert names
    assert [name[:4] for name in names] == [f"{n:03}-" for n in range(1, len(names) + 1)]


def imports_of_modules() -> dict[str, set[str]]:
    """Module of core or pages -> modules of core or pages that it imports anywhere, by name."""
    files = [path for path in code() if path.relative_to(ROOT).parts[0] in {"core", "pages"}]
    names = {}
    for path in files:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        names[name.removesuffix(".__init__")] = path
    found: dict[str, set[str]] = {name: set() for name in names}
    for name, path in names.items():
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                for alias in node.names:
                    full = f"{node.module}.{alias.name}"
                    target = full if full in names else node.module
                    if target in names and target != name:
                        found[name].add(target)
    return found


def circles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other, directly or through others."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return [error.args[1]]
    return []


def test_a_circle_of_imports_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": set()})
    assert not circles({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def test_no_two_files_import_each_other() -> None:
    assert not circles(imports_of_modules())


NAMED = re.compile(
    r"(?<![\w/.-])((?:core|pages|tests|docs|weights)/[\w/.*-]*\w)|`([\w-]+\.(?:py|toml|txt))`"
    r"|\]\((?![a-z]+:)([^)#\s]+)\)"
)
"""Paths in a document: below a folder of ours, a file in code marks, or the target of a link."""


def missing_paths(text: str, folder: Path = ROOT / "docs") -> list[str]:
    """Paths that a document in ``folder`` names and that do not exist; links start from there.

    ``*`` and ``NAME`` stand for any name.
    """
    missing = []
    for below_root, in_marks, link in NAMED.findall(text):
        path = below_root or in_marks
        found = (folder / link).exists() if link else any(ROOT.glob(path.replace("NAME", "*")))
        if not found:
            missing.append(link or path)
    return missing


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`core/files.py` and [here](../core/cli.py)", []),
        ("change `core/nowhere.py`", ["core/nowhere.py"]),
        ("without marks: core/nowhere.py, and core/files.py.", ["core/nowhere.py"]),
        ("[nowhere](../pages/nowhere.py), [page](palm.md)", ["../pages/nowhere.py"]),
        ("a page of docs: [nowhere](decisions/nowhere.md)", ["decisions/nowhere.md"]),
        ("elsewhere: [a set](https://example.org/core/x.zip), [below](#part)", []),
        ("a folder: `core/nowhere`; a word: `nowhere`; code: `core.cli`", ["core/nowhere"]),
        ("`nowhere.py`", ["nowhere.py"]),
        ("`weights/*.json`, `weights/*.pt`", ["weights/*.pt"]),
        ("`weights/NAME.json`, `weights/NAME.pt`", ["weights/NAME.pt"]),
    ],
)
def test_missing_paths_are_found(text: str, expected: list[str]) -> None:
    assert missing_paths(text) == expected


def test_documents_name_only_files_that_exist() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    architecture = ROOT / "docs" / "architecture.md"
    assert architecture in documents
    assert len(NAMED.findall(architecture.read_text())) > 40
    missing = {
        str(document.relative_to(ROOT)): missing_paths(document.read_text(), document.parent)
        for document in documents
    }
    assert not {document: paths for document, paths in missing.items() if paths}


def test_no_folder_holds_more_than_twenty_files_side_by_side() -> None:
    """``__init__.py`` makes a folder a package and is not counted."""
    files_of = Counter(
        str(path.parent.relative_to(ROOT))
        for path in project_files()
        if path.relative_to(ROOT).parts[0] in {"core", "pages"} and path.name != "__init__.py"
    )
    assert files_of["core"]
    assert not {folder: number for folder, number in files_of.items() if number > 20}
