"""``python -m core bench``: how long things take on this machine."""

from typing import Annotated

import typer

from core.commands.terminal import stop

app = typer.Typer(invoke_without_command=True)


@app.callback()
def bench(
    context: typer.Context,
    runs: Annotated[int, typer.Option(min=20, help="counted runs of each step")] = 20,
) -> None:
    """Time one 640x480 field, step by step; or, with ``training``, the training loop."""
    if context.invoked_subcommand is not None:
        return
    from core.studies.benchmarks.inference import time_steps

    for row in time_steps(runs):
        rate = f", {8000 / row.median_ms:.0f} fields per second" if "eight" in row.step else ""
        print(
            f"{row.step}: {row.median_ms:.1f} ms "
            f"({row.fastest_ms:.1f} to {row.slowest_ms:.1f}, {row.runs} runs{rate})"
        )


@app.command()
def screens(
    cells: Annotated[int, typer.Option(min=10, help="white cells of the large case")] = 400,
    listed: Annotated[int, typer.Option(min=1, help="cases in the worklist")] = 500,
    keys: Annotated[int, typer.Option(min=5, help="keys pressed at the desk")] = 100,
    openings: Annotated[int, typer.Option(min=1, help="times each screen is opened")] = 5,
) -> None:
    """Time the screens of the review in Chromium, on a store made for it."""
    from core.studies.benchmarks.screens import NoBrowser, time_screens

    try:
        found = time_screens(cells, listed, keys, openings, lambda words: print(words, flush=True))
    except NoBrowser as refusal:
        stop(refusal)
    for row in found:
        print(f"{row.what}: {row.median_ms:.0f} ms, p95 {row.p95_ms:.0f} ms (n {row.n})")


@app.command()
def page(fields: Annotated[int, typer.Option(min=2, help="fields in the folder")] = 200) -> None:
    """Processor seconds of the page for a folder of fields, beside the command line's."""
    from core.studies.benchmarks.page import measure_page
    from core.studies.benchmarks.screens import NoBrowser

    try:
        found = measure_page(fields, lambda words: print(words, flush=True))
    except NoBrowser as refusal:
        stop(refusal)
    print(
        f"{found.fields} fields: page {found.page:.1f} CPU s, command line {found.command:.1f}, "
        f"ratio {found.ratio:.2f}; a click {found.click_ms:.0f} ms of the server"
    )


@app.command()
def soak(
    minutes: Annotated[float, typer.Option(min=0.5, help="how long")] = 120.0,
    sessions: Annotated[int, typer.Option(min=1, help="windows at the same time")] = 10,
    train: Annotated[bool, typer.Option(help="a training runs beside them")] = True,
) -> None:
    """Mixed work of several people: memory, files, threads and database of the server."""
    from core.studies.benchmarks.screens import NoBrowser
    from core.studies.benchmarks.soak import soak as run

    try:
        found, pages = run(minutes, sessions, train, lambda words: print(words, flush=True))
    except NoBrowser as refusal:
        stop(refusal)
    for row in found:
        print(
            f"{row.what}: {row.first:.1f} at half time, {row.last:.1f} at the end, "
            f"{row.highest:.1f} at most, {row.per_hour:+.1f} an hour in the second half"
        )
    print(f"{pages} pages in {minutes:g} minutes, {sessions} sessions")


@app.command()
def training(
    pairs: Annotated[int, typer.Option(min=1, help="epochs of each loop, by turns")] = 5,
    cells: Annotated[int, typer.Option(min=64, help="cells of an epoch")] = 256,
    batch_size: Annotated[int, typer.Option(min=1)] = 32,
    backbone: Annotated[str, typer.Option()] = "mobilenet_v2",
    workers: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Throughput of the loop beside a bare torchvision loop, and its memory over epochs."""
    from core.studies.benchmarks.training import measure

    result = measure(pairs, cells, batch_size, backbone, workers)
    print(
        f"{backbone}, batch {batch_size}: this loop {result.loop:.1f} pictures a second, bare loop "
        f"{result.bare:.1f}, ratio {result.ratio:.3f} ({result.low:.3f} to {result.high:.3f}, "
        f"{pairs} epochs each, by turns)"
    )
    megabytes = ", ".join(f"{value:.0f}" for value in result.resident_mb)
    print(f"resident memory after each epoch of this loop: {megabytes} MB")
    print(f"tensors alive after each epoch of this loop: {result.tensors}")
