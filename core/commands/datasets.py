"""``python -m core datasets``: list, fetch and inspect image sets."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from core.commands.terminal import Data, public_sets, stop

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
        str, typer.Option("--as", help="cells, boxes, counts or palms; bodzas or raabin")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="one line for each picture")] = False,
) -> None:
    """Show what a training would read from a set, exactly as the page Fine-tune reads it."""
    import json
    import tempfile

    from core.datasets.archive import ArchiveRefused, unpack
    from core.datasets.skipped import DataRefused

    layouts = {"cells": "folders", "boxes": "boxes", "counts": "counts", "palms": "photos"}
    public = ("bodzas", "raabin")
    if as_ not in (*layouts, *public):
        stop(f"unknown kind {as_!r}; known are {', '.join((*layouts, *public))}")
    try:
        with tempfile.TemporaryDirectory() as unpacked:
            folder = path
            if path.is_file():
                folder = Path(unpacked) / path.stem
                unpack(path, folder)
            if as_ in public:
                _print_public_cells(as_, folder, as_json)
            else:
                _print_set(layouts[as_], folder, as_json)
    except (ArchiveRefused, DataRefused, FileNotFoundError) as refusal:
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


def _print_public_cells(name: str, folder: Path, as_json: bool) -> None:
    """Print what the reader of Bodzas' or Raabin's set finds in a folder."""
    import json
    from collections import Counter

    from core.datasets.public import bodzas, raabin
    from core.settings import settings

    if name == "bodzas":
        parts = {"": bodzas.load(folder, settings())}
    else:
        # Without any part the reader's refusal names the layout that is expected.
        present = [part for part in raabin.PARTS if (folder / part).is_dir()] or raabin.PARTS[:1]
        parts = {part: raabin.load(folder, part, settings()) for part in present}
    rows: list[dict[str, str]] = []
    for part, found in parts.items():
        for cell in found.cells:
            file = cell.path.relative_to(folder).as_posix()
            rows.append({"file": file, "part": part, "label": str(cell.label)})
        for skipped in found.skipped:
            file = f"{part}/{skipped.file}" if part else skipped.file
            rows.append({"file": file, "left_out": skipped.reason})
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return
    used = Counter((row["part"], row["label"]) for row in rows if "label" in row)
    print(f"{len(rows)} pictures: {used.total()} used, {len(rows) - used.total()} left out")
    for (part, label), number in sorted(used.items()):
        print(f"{part}, {label}: {number}" if part else f"{label}: {number}")
    for row in rows:
        if "left_out" in row:
            print(f"left out: {row['file']}: {row['left_out']}")
