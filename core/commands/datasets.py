"""``python -m core datasets``: which public sets are here, and getting one."""

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
    """The public image sets: which are present, and whether they are whole."""
    if context.invoked_subcommand is not None:
        return
    from core.datasets.catalogue import CATALOGUE, unreadable

    folder, failed = public_sets(data), False
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
    """Get a public set from its authors' address; a download that broke off is gone on with."""
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
