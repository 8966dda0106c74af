"""The command line, the stable face: ``python -m core``.

``--json`` prints one object per picture and line on standard output, in input order, and nothing
else there. A picture that cannot be used becomes an ``error`` object, the others still run, and
the exit status is 1.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from core.settings import settings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Hemadesk. Research use: a qualified person decides.",
)

Paths = Annotated[list[Path], typer.Argument(help="pictures, or folders of pictures")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object per picture and line")]
Data = Annotated[
    Path | None, typer.Option(help="folder of the public sets (default: HEMADESK_DATA)")
]


@app.command()
def analyse(
    paths: Paths,
    as_json: AsJson = False,
    method: Annotated[str, typer.Option(help="how to count: locator")] = "locator",
    chamber_rule: Annotated[
        bool, typer.Option(help="count by the counting chamber's rule")
    ] = False,
    explain: Annotated[
        Path | None, typer.Option(help="write Grad-CAM pictures into this folder")
    ] = None,
) -> None:
    """Count and classify the cells of blood-smear fields."""
    from core.inference.smear import analyse as analyse_field
    from core.records import Field

    if method != "locator":
        _stop(f"--method must be locator, got {method!r}: no regression model is installed")

    def one(field: Field) -> tuple[dict[str, Any], str]:
        finding = analyse_field(field, counting_rule="chamber" if chamber_rule else "all_visible")
        if explain is not None:
            from core.explain.pictures import write_explanations

            write_explanations(field, finding, explain)
        counts = ", ".join(
            f"{name} {e.value:.0f} ({e.low:.0f} to {e.high:.0f})"
            for name, e in zip(
                ("RBC", "WBC", "platelets"),
                (finding.counts.of(k) for k in ("rbc", "wbc", "platelet")),
                strict=True,
            )
        )
        calls = "; ".join(
            f"{c.wbc.label} {c.wbc.probability:.2f}" for c in finding.cells_of("wbc") if c.wbc
        )
        notes = "".join(f"\n  {flag.message}" for flag in finding.flags)
        return finding.as_json(), f"{field.name}: {counts}{'. ' + calls if calls else ''}{notes}"

    _each(paths, as_json, one)


@app.command()
def classify(paths: Paths, as_json: AsJson = False) -> None:
    """Class of the one white cell in each picture."""
    from core.inference.wbc import classify as classify_cell
    from core.records import Field

    def one(field: Field) -> tuple[dict[str, Any], str]:
        call = classify_cell(field)
        doubt = " (check)" if call.abstained else ""
        return {
            "file": field.name,
            **call.as_json(),
        }, f"{field.name}: {call.label} {call.probability:.2f}{doubt}"

    _each(paths, as_json, one, min_side_px=32)


def _each(
    paths: list[Path],
    as_json: bool,
    one: Callable[[Any], tuple[dict[str, Any], str]],
    min_side_px: int | None = None,
) -> None:
    """Read each picture, do ``one`` with it and print; a refused picture does not stop the rest."""
    from core.imaging.read import ImageRefused, read_path
    from core.models.weights import WeightsRefused

    failed = False
    for path in _pictures(paths):
        try:
            row, line = one(
                replace(read_path(path, settings(), min_side_px=min_side_px), name=str(path))
            )
        except ImageRefused as refusal:
            failed = True
            row = {"file": str(path), "error": {"code": refusal.code, "message": refusal.message}}
            line = refusal.message
        except WeightsRefused as error:
            _stop(str(error))
        print(
            json.dumps(row) if as_json else line,
            file=sys.stderr if not as_json and "error" in row else sys.stdout,
            flush=True,
        )
    if failed:
        raise typer.Exit(1)


def _pictures(paths: list[Path]) -> list[Path]:
    """Folders become their pictures, by name; everything else stays as given."""
    from core.datasets.catalogue import PICTURES

    found: list[Path] = []
    for path in paths:
        inside = (
            sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES)
            if path.is_dir()
            else []
        )
        found += inside or [path]
    return found


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="locator or wbc")],
    data: Data = None,
    resume: Annotated[
        str | None, typer.Option(help="number, name or folder of a run to go on with")
    ] = None,
    preset: Annotated[str, typer.Option(help="settings by name")] = "shipped",
    epochs: Annotated[int | None, typer.Option()] = None,
    batch_size: Annotated[int | None, typer.Option()] = None,
    learning_rate: Annotated[float | None, typer.Option()] = None,
    seed: Annotated[int | None, typer.Option()] = None,
    workers: Annotated[int | None, typer.Option()] = None,
    patience: Annotated[int | None, typer.Option()] = None,
    start: Annotated[
        str | None, typer.Option(help="weights to begin with: imagenet, live or random")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="where to save the model (default: the run's folder)")
    ] = None,
    run: Annotated[int | None, typer.Option(hidden=True)] = None,
    attempt: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Train a model; stopped at any moment, it goes on with --resume."""
    from core.training import from_terminal

    if run is not None and attempt is not None:
        raise typer.Exit(from_terminal.work_on(run, attempt))
    given = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    given |= {"seed": seed, "workers": workers, "patience": patience}
    values = {name: value for name, value in given.items() if value is not None}
    try:
        if resume is not None:
            if values or start:
                _stop("a resumed run keeps its settings; give --resume without any")
            raise typer.Exit(from_terminal.go_on(recipe, resume, to))
        options = {"start": start} if start else {}
        folder = data or settings().data
        raise typer.Exit(from_terminal.begin(recipe, folder, preset, values, options, to))
    except ValueError as error:
        _stop(str(error))


@app.command()
def evaluate(
    recipe: Annotated[str, typer.Argument(help="locator or wbc")],
    data: Data = None,
    as_json: AsJson = False,
    write_card: Annotated[
        bool, typer.Option(help="put the figures into the model's sidecar")
    ] = False,
) -> None:
    """Measure the live model on test data that nothing was tuned on."""
    from core.evaluation.locator_suite import evaluate_locator
    from core.evaluation.wbc_suite import evaluate_wbc
    from core.models import registry, weights

    suites = {"locator": evaluate_locator, "wbc": evaluate_wbc}
    if recipe not in suites:
        _stop(f"unknown recipe {recipe!r}; known are {', '.join(suites)}")
    try:
        figures = suites[recipe](data or settings().data)
    except FileNotFoundError as error:
        _stop(str(error))
    if write_card:
        model = registry.live("locator" if recipe == "locator" else "wbc")
        weights.write_card(model.path, {**model.card, "evaluation": figures})
    print(json.dumps(figures) if as_json else json.dumps(figures, indent=2))


@app.command(name="weights")
def list_weights() -> None:
    """The installed models, what they are for and how good."""
    from core.models import registry
    from core.models.weights import WeightsRefused

    failed = False
    for task in registry.TASKS:
        try:
            model = registry.live(task)
            print(f"{model.identity}: {model.card.get('intended_use', '')}")
        except WeightsRefused as error:
            failed = True
            print(f"{task}: {error}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


@app.command()
def datasets(
    verify: Annotated[bool, typer.Option(help="open every picture")] = False,
    data: Data = None,
) -> None:
    """The public image sets: which are present, and whether they are whole."""
    from core.datasets.catalogue import CATALOGUE, unreadable

    failed = False
    for entry in CATALOGUE:
        paths = entry.paths(data or settings().data)
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
def check() -> None:
    """Is this installation sound."""
    from core.installation import checks

    failed = False
    for row in checks():
        failed |= not row.passed
        print(f"{'ok  ' if row.passed else 'FAIL'} {row.name}: {row.seen}", flush=True)
    if failed:
        raise typer.Exit(1)


@app.command()
def bench(
    runs: Annotated[int, typer.Option(min=20, help="counted runs of each step")] = 20,
) -> None:
    """Time one 640x480 field, step by step."""
    from core.bench import bench as measure

    for row in measure(runs):
        rate = f", {8000 / row.median_ms:.0f} fields per second" if "eight" in row.step else ""
        print(
            f"{row.step}: {row.median_ms:.1f} ms "
            f"({row.fastest_ms:.1f} to {row.slowest_ms:.1f}, {row.runs} runs{rate})"
        )


def _stop(message: str) -> None:
    """Say what is wrong in one sentence and leave with status 2."""
    print(message, file=sys.stderr)
    raise typer.Exit(2)
