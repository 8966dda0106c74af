"""``python -m core datasets``: list, fetch and inspect image sets."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypedDict

import typer

from core.commands.terminal import Data, public_sets, stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.datasets.public.class_folders import ClassFolders

app = typer.Typer(invoke_without_command=True)


@app.callback()
def datasets(
    context: typer.Context,
    verify: Annotated[bool, typer.Option(help="open every picture")] = False,
    data: Data = None,
) -> None:
    """List the public image sets: which are present, and whether they are complete."""
    if context.invoked_subcommand is not None:
        return
    folder, failed = public_sets(data), False
    from core.datasets.catalogue import CATALOGUE, unreadable

    for entry in CATALOGUE:
        paths = entry.paths(folder)
        state = "absent" if not paths else f"{len(paths)} of {entry.pictures} pictures"
        if paths and verify:
            broken = unreadable(paths)
            failed |= bool(broken) or len(paths) != entry.pictures
            state += f", unreadable: {', '.join(broken)}" if broken else ", all readable"
        print(
            f"{entry.name}: {state}. {entry.what[0].upper()}{entry.what[1:]} "
            f"({entry.source}, {entry.licence})"
        )
    if failed:
        raise typer.Exit(1)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="the set's name, as `datasets` lists it")],
    data: Data = None,
    address: Annotated[
        str | None, typer.Option(help="get the same archive from here (default: the authors')")
    ] = None,
    sha256: Annotated[str | None, typer.Option(help="the archive's hash, if you know it")] = None,
) -> None:
    """Get a public set from its authors' address; an interrupted download is resumed."""
    from core.datasets.public.fetch import FetchRefused
    from core.datasets.public.fetch import fetch as get
    from core.datasets.public.sources import SOURCES, UNREACHABLE

    if name in UNREACHABLE:
        stop(f"{name} cannot be fetched by a program: {UNREACHABLE[name]}")
    if name not in SOURCES:
        known = ", ".join([*SOURCES, *UNREACHABLE])
        stop(f"unknown set {name!r}; known are {known}")
    from dataclasses import replace

    # The folder is made if it is not there yet.
    folder = data if data is not None else public_sets(None)
    source = SOURCES[name]
    source = replace(source, address=address or source.address, sha256=sha256 or source.sha256)
    print(f"{name} from {source.address}")
    print(f"Licence: {source.licence}. Cite: {source.citation}. Page: {source.page}")

    shown = -1

    def report(done: int, total: int | None) -> None:
        nonlocal shown
        if done // 50_000_000 > shown:
            shown = done // 50_000_000
            of = f" of {total / 1e6:.0f}" if total else ""
            print(f"{done / 1e6:.0f}{of} MB", flush=True)

    try:
        found = get(name, source, folder, report)
    except FetchRefused as refusal:
        stop(refusal, status=1)
    how = (
        "as expected"
        if found.checked
        else "written down: the authors publish none, later downloads are compared with it"
    )
    print(f"{found.files} files in {found.folder}. SHA-256 {found.sha256}, {how}.")
    if source.remark:
        print(source.remark)


@app.command()
def look(
    path: Annotated[Path, typer.Argument(help="a folder or a ZIP with pictures and their labels")],
    as_: Annotated[
        str,
        typer.Option(
            "--as", help="cells, boxes, counts or palms; bodzas, raabin, chula_rbc12 or hands"
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="one line for each picture")] = False,
) -> None:
    """Show what a training would read from a set, exactly as the page Fine-tune reads it."""
    import json
    import tempfile

    from core.datasets.archive import ArchiveRefused, unpack
    from core.datasets.skipped import DataRefused

    layouts = {"cells": "folders", "boxes": "boxes", "counts": "counts", "palms": "photos"}
    if as_ not in (*layouts, *_PUBLIC):
        stop(f"unknown kind {as_!r}; known are {', '.join((*layouts, *_PUBLIC))}")
    try:
        with tempfile.TemporaryDirectory() as unpacked:
            folder = path
            if path.is_file():
                folder = Path(unpacked) / path.stem
                unpack(path, folder)
            if as_ in _PUBLIC:
                _print_public_set(as_, folder, as_json)
            else:
                _print_set(layouts[as_], folder, as_json)
    except (ArchiveRefused, DataRefused, FileNotFoundError, ValueError) as refusal:
        reason = str(refusal)
        print(json.dumps({"refused": reason}, ensure_ascii=False) if as_json else reason)
        raise typer.Exit(1) from refusal


def _print_set(layout: str, folder: Path, as_json: bool) -> None:
    import json

    from core.datasets.intake.rows import rows_of_set, totals
    from core.datasets.intake.split.parts import PARTS
    from core.settings import settings
    from core.training.intakes import read_own

    found = read_own(layout, folder, settings())
    rows = rows_of_set(found)
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
    else:
        left = sum("left_out" in row for row in rows)
        print(f"{len(rows)} pictures: {len(found.items)} used, {left} left out")
        for kind, numbers in totals(found).items():
            each = ", ".join(f"{name} {n}" for name, n in zip(PARTS, numbers, strict=True))
            print(f"{kind}: {each}")
        print(f"kept together by {found.grouped_by}")
        for row in rows:
            if "left_out" in row:
                print(f"left out: {row['file']}: {row['left_out']}")
    remarks = [
        *(f"note: {note}" for note in found.notes),
        *(f"nothing of {name} can be learnt: {why}" for name, why in found.vanished),
        *(f"cannot be trained on: {problem}" for problem in found.problems),
    ]
    for remark in remarks:
        print(remark, file=sys.stderr)


class _PublicRow(TypedDict, total=False):
    """A picture of a public set: its ``label``, or how many ``cells`` of each class it has.

    ``left_out`` says why a picture cannot be read.
    """

    file: str
    part: str
    label: str
    cells: dict[str, int]
    left_out: str


def _print_public_set(name: str, folder: Path, as_json: bool) -> None:
    """Print what the reader of a public set finds in a folder."""
    import json
    from collections import Counter

    rows = list(_PUBLIC[name](folder))
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return
    used = [row for row in rows if "left_out" not in row]
    print(f"{len(rows)} pictures: {len(used)} used, {len(rows) - len(used)} left out")
    numbers: Counter[tuple[str, str]] = Counter()
    for row in used:
        for label, number in row.get("cells", {row.get("label", ""): 1}).items():
            numbers[row.get("part", ""), label] += number
    for (part, label), number in sorted(numbers.items()):
        print(f"{part}, {label}: {number}" if part else f"{label}: {number}")
    for row in rows:
        if "left_out" in row:
            print(f"left out: {row['file']}: {row['left_out']}")


def _bodzas(folder: Path) -> "Iterator[_PublicRow]":
    from core.datasets.public import bodzas
    from core.settings import settings

    yield from _cells_of("", bodzas.load(folder, settings()), folder)


def _raabin(folder: Path) -> "Iterator[_PublicRow]":
    from core.datasets.public import raabin
    from core.settings import settings

    # Without any part the reader's refusal names the layout that is expected.
    present = [part for part in raabin.PARTS if (folder / part).is_dir()] or raabin.PARTS[:1]
    for part in present:
        yield from _cells_of(part, raabin.load(folder, part, settings()), folder)


def _cells_of(part: str, found: "ClassFolders", folder: Path) -> "Iterator[_PublicRow]":
    for cell in found.cells:
        file = cell.path.relative_to(folder).as_posix()
        yield {"file": file, "part": part, "label": str(cell.label)}
    for skipped in found.skipped:
        file = f"{part}/{skipped.file}" if part else skipped.file
        yield {"file": file, "left_out": skipped.reason}


def _chula(folder: Path) -> "Iterator[_PublicRow]":
    from collections import Counter

    from core.datasets.public import chula_rbc12

    for field in chula_rbc12.load(folder):
        cells = Counter(chula_rbc12.CLASSES[i] for i in field.classes)
        file = field.path.relative_to(folder).as_posix()
        yield {"file": file, "part": "images", "cells": dict(cells)}
    for patient in chula_rbc12.load_diseases(folder):
        file = patient.path.relative_to(folder).as_posix()
        yield {"file": file, "part": "disease", "label": patient.disease}


def _hands(folder: Path) -> "Iterator[_PublicRow]":
    from core.datasets.public import hands

    for photo in hands.load(folder):
        file = photo.path.relative_to(folder).as_posix()
        yield {"file": file, "part": "images", "label": f"{photo.aspect}, {photo.skin} skin"}
    for path in hands.phone_photos(folder):
        file = path.relative_to(folder).as_posix()
        yield {"file": file, "part": "phone", "label": "palmar"}


_PUBLIC: "Final[dict[str, Callable[[Path], Iterator[_PublicRow]]]]" = {
    "bodzas": _bodzas,
    "raabin": _raabin,
    "chula_rbc12": _chula,
    "hands": _hands,
}
