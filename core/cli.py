"""The command line, the stable face: ``python -m core``.

``--json`` prints one object per picture and line on standard output, in input order, and nothing
else there. A picture that cannot be used becomes an ``error`` object, the others still run, and
the exit status is 1.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from core.commands import (
    bench,
    cases,
    compare,
    datasets,
    hands,
    leave_one_out,
    palm,
    reproduce,
    serve,
    train,
    white_cells,
)
from core.settings import settings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Hemadesk. Research use: a qualified person decides.",
)

app.add_typer(reproduce.app, name="reproduce")
app.command()(serve.serve)
app.command()(palm.palm)
app.command()(hands.hands)
app.command()(palm.fit_palm)
app.command()(train.train)
app.command()(compare.compare)
white_cells.add_to(app)
app.add_typer(datasets.app, name="datasets")
app.add_typer(bench.app, name="bench")
app.add_typer(cases.app, name="cases")

Paths = Annotated[list[Path], typer.Argument(help="pictures, or folders of pictures")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object per picture and line")]
Data = Annotated[
    Path | None, typer.Option(help="folder of the public sets (default: HEMADESK_DATA)")
]


@app.command()
def analyse(
    paths: Paths,
    as_json: AsJson = False,
    method: Annotated[str, typer.Option(help="how to count: locator or regression")] = "locator",
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

    if method not in ("locator", "regression"):
        _stop(f"--method must be locator or regression, got {method!r}")
    if method == "regression" and chamber_rule:
        _stop("regression sees no single cells, so it follows no counting rule")

    def one(field: Field) -> tuple[dict[str, Any], str]:
        finding = analyse_field(
            field,
            counting_rule="chamber" if chamber_rule else "all_visible",
            method="regression" if method == "regression" else "locator",
        )
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
    from core.inference.white_cell.classify import classify as classify_cell
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
    from core.imaging.read import ImageRefused
    from core.models.weights import WeightsRefused

    failed = False
    for shown, opened in _opened(paths, min_side_px):
        try:
            row, line = one(replace(opened(), name=shown))
        except ImageRefused as refusal:
            failed = True
            row = {"file": shown, "error": {"code": refusal.code, "message": refusal.message}}
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


def _opened(paths: list[Path], min_side_px: int | None) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each picture and how to read it; a DICOM file of several frames gives one for each."""
    from core.imaging.read import ImageRefused, read_path_frames

    def refuse(refusal: ImageRefused) -> None:
        raise refusal

    for path in _pictures(paths):
        try:
            frames = read_path_frames(path, settings(), min_side_px=min_side_px)
        except ImageRefused as refusal:
            yield str(path), partial(refuse, refusal)
            continue
        for number, opened in enumerate(frames, start=1):
            yield (str(path) if len(frames) == 1 else f"{path}, frame {number}"), opened


def _pictures(paths: list[Path]) -> list[Path]:
    """Folders become their pictures, by name; everything else stays as given."""
    from core.datasets.catalogue import PICTURES

    found: list[Path] = []
    for path in paths:
        inside = (
            sorted(p for p in path.iterdir() if p.suffix.lower() in (*PICTURES, ".dcm"))
            if path.is_dir()
            else []
        )
        found += inside or [path]
    return found


@app.command()
def evaluate(
    recipe: Annotated[str, typer.Argument(help="locator, wbc, counts or palm")],
    data: Data = None,
    as_json: AsJson = False,
    write_card: Annotated[
        bool, typer.Option(help="put the figures into the model's sidecar")
    ] = False,
    pictures: Annotated[
        Path | None, typer.Option(help="write confusion matrices into this folder")
    ] = None,
    leave_out: Annotated[
        str | None,
        typer.Option(help="wbc only: train without this laboratory and test on it (hours)"),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(help="with --leave-out: a classifier that learnt from PBC alone"),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(help="with --leave-out: folder of checkpoints and model; stopped, it resumes"),
    ] = None,
) -> None:
    """Measure the live model on test data that nothing was tuned on."""
    if leave_out is not None:
        leave_one_out.evaluate_left_out(recipe, leave_out, data or settings().data, start, to)
        return
    from core.evaluation.confusion_picture import write_confusions
    from core.evaluation.count_suite import evaluate_counts
    from core.evaluation.locator_suite import evaluate_locator
    from core.evaluation.wbc_suite import evaluate_wbc
    from core.models import registry, weights
    from core.training.palm.figures import evaluate_palm

    suites = {
        "locator": evaluate_locator,
        "wbc": evaluate_wbc,
        "counts": evaluate_counts,
        "palm": evaluate_palm,
    }
    if recipe not in suites:
        _stop(f"unknown recipe {recipe!r}; known are {', '.join(suites)}")
    try:
        figures = suites[recipe](data or settings().data)
    except (FileNotFoundError, ValueError) as error:
        _stop(str(error))
    if write_card:
        known = (*registry.TASKS, *registry.OTHER_TASKS)
        model = registry.live(next(task for task in known if task == recipe))
        # What another command measured stays: python -m core adapt --measure.
        before = model.card.get("evaluation", {})
        kept = {k: v for k, v in before.items() if k.startswith("adaptation")}
        weights.write_card(model.path, {**model.card, "evaluation": {**kept, **figures}})
    if pictures is not None:
        write_confusions(pictures, recipe, figures)
    print(json.dumps(figures) if as_json else json.dumps(figures, indent=2))


@app.command(name="weights")
def list_weights() -> None:
    """The installed models, what they are for and how good."""
    from core.models import registry
    from core.models.weights import WeightsRefused

    failed = False
    for task in (*registry.TASKS, *registry.OTHER_TASKS):
        try:
            model = registry.live(task)
            print(f"{model.identity}: {model.card.get('intended_use', '')}")
        except WeightsRefused as error:
            failed = True
            print(f"{task}: {error}", file=sys.stderr)
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


def _stop(message: str) -> None:
    """Say what is wrong in one sentence and leave with status 2."""
    print(message, file=sys.stderr)
    raise typer.Exit(2)
