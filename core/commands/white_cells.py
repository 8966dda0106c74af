"""Commands around the white-cell network: fit-uncertainty, adapt, export."""

import json
import os
from pathlib import Path
from typing import Annotated, Final

import typer

from core.commands.terminal import (
    Data,
    check_choice,
    progress,
    public_sets,
    results_folder,
    stop,
)
from core.training.choices import LABORATORIES

EXPORTED: Final = ("locator", "wbc", "counts", "palm", "red_cells")
"""Tasks whose live model `export` writes; a test holds it equal to the registry's."""


def fit_uncertainty(
    data: Data = None,
    quick: Annotated[bool, typer.Option(help="a third of the cells, for a trial")] = False,
    seed: Annotated[int, typer.Option()] = 0,
    only_stages: Annotated[
        bool,
        typer.Option(
            "--only-stages",
            help="fit the stages of immature granulocytes; everything else stays as it is",
        ),
    ] = False,
) -> None:
    """Fit novelty, set limits, attributes and the index of cells to the live white-cell model."""
    sets = public_sets(data)
    from core.models import registry
    from core.models.weights import WeightsRefused
    from core.training.white_cells.fit_uncertainty import Amount
    from core.training.white_cells.fit_uncertainty import fit_uncertainty as fit
    from core.training.white_cells.stages import add_stages

    amount = Amount(1000, 450, 1300, 300, 80, 80) if quick else Amount()
    try:
        model, locator = registry.live("wbc"), registry.live("locator")
        if only_stages:
            card = add_stages(model, locator, sets, report=progress)
            print(json.dumps(card.as_json()))
            return
        written = fit(model, locator, sets, amount=amount, seed=seed, report=progress)
    except (FileNotFoundError, ValueError, WeightsRefused) as error:
        stop(error)
    print(f"{written.name} and its sidecar are written; now python -m core evaluate wbc")


def characterise(
    data: Data = None,
    quick: Annotated[bool, typer.Option(help="a third of the cells, for a trial")] = False,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """The former name of fit-uncertainty."""
    progress("characterise is now called fit-uncertainty; the former name still works.")
    fit_uncertainty(data, quick, seed)


def adapt(
    data: Annotated[
        Path | None, typer.Option(help="class folders of the laboratory's cells, or fields of one")
    ] = None,
    per_class: Annotated[int, typer.Option(min=1, max=200, help="cells a class, at most")] = 10,
    seed: Annotated[int, typer.Option(help="which cells are drawn")] = 0,
    to: Annotated[
        Path | None, typer.Option(help="where to save the challenger (default: a run of its own)")
    ] = None,
    deep: Annotated[
        bool, typer.Option(help="move the last blocks too; needs the original training pictures")
    ] = False,
    measure: Annotated[
        bool, typer.Option(help="only measure what adapting brings, on wbc_other_lab, five draws")
    ] = False,
    curve: Annotated[
        str | None,
        typer.Option(help="only measure 5, 10, 20 and 50 cells a class in this laboratory"),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="with --curve: a model that never saw the laboratory, not the live one"),
    ] = None,
    draws: Annotated[int, typer.Option(min=1, max=50, help="with --curve: of each number")] = 5,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    folder: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Adapt the live white-cell model to a laboratory by a handful of its cells."""
    if folder is None and not measure and curve is None:
        if data is None:
            stop("--data must name the folder of the laboratory's cells")
        if not data.exists():
            stop(f"--data: folder not found: {data}")
    sets = public_sets(data) if measure or curve is not None else None
    if curve is not None:
        check_choice("--curve", curve, LABORATORIES)
    from core.datasets.intake.cells import DataRefused
    from core.training.white_cells.adaptation import adapt_worker
    from core.training.white_cells.adaptation.adapt import adapt_to
    from core.training.white_cells.adaptation.last_layer import AdaptRefused

    if folder is not None:
        os.nice(5)  # a page that a person waits for goes first
        adapt_worker.work(folder)
        return
    try:
        if sets is not None and curve is not None:
            _curve(curve, sets, model, to, draws, as_json)
            return
        if sets is not None:
            _measure(sets, per_class, deep)
            return
        assert data is not None  # checked above
        adapted = adapt_to(
            data, per_class=per_class, seed=seed, target=to, deep=deep, report=progress
        )
    except (AdaptRefused, DataRefused, ValueError, FileNotFoundError) as error:
        stop(error)
    print(json.dumps(adapted.as_json()) if as_json else adapted.in_words())


def _curve(
    laboratory: str, data: Path, file: Path | None, to: Path | None, draws: int, as_json: bool
) -> None:
    """Print the curve of a laboratory; finished draws are stored beside the figures."""
    from core.models import registry
    from core.training.white_cells.adaptation.curve import measure_curve
    from core.training.white_cells.adaptation.curve_figures import as_table

    model = registry.live("wbc") if file is None else registry.load(file)
    target = results_folder(to, "adaptation") / f"adaptation-{laboratory}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    figures = measure_curve(
        model, registry.live("locator"), data, laboratory, target, draws=draws, report=progress
    )
    print(json.dumps(figures, indent=2) if as_json else as_table(figures))


def _measure(data: Path, per_class: int, deep: bool) -> None:
    """Print the figures and put them into the live model's card."""
    from core.models import registry, weights
    from core.training.white_cells.adaptation.adapt_trial import measure_adaptation

    model, locator = registry.live("wbc"), registry.live("locator")
    figures = measure_adaptation(
        model, locator, data, per_class=per_class, deep=deep, report=progress
    )
    key = "adaptation_deep" if deep else "adaptation"
    card = model.card.with_evaluation({**model.card.evaluation, key: figures})
    weights.write_card(model.path, card)
    print(json.dumps(figures, indent=2))


def export(
    model: Annotated[str, typer.Argument(help="wbc or locator, or a .safetensors file")],
    onnx: Annotated[Path, typer.Option("--onnx", help="the file to write")],
) -> None:
    """Write a model as ONNX, with its classes and preprocessing, checked against torch."""
    if not model.endswith(".safetensors"):
        if model not in EXPORTED:
            tasks = ", ".join(EXPORTED)
            stop(f"{model} is neither one of {tasks} nor a .safetensors file")
    elif not Path(model).is_file():
        stop(f"{model} does not exist")
    from core.models.onnx_files.check import ExportDiffers, export_checked
    from core.models.weights import WeightsRefused

    try:
        result = export_checked(model, onnx)
    except (ExportDiffers, WeightsRefused, OSError, ValueError) as error:
        stop(error)
    print(result)
