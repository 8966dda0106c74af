"""Commands around the white-cell network: characterise, adapt, export."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from core.settings import settings

Data = Annotated[
    Path | None, typer.Option(help="folder of the public sets (default: HEMADESK_DATA)")
]


def characterise(
    data: Data = None,
    quick: Annotated[bool, typer.Option(help="a third of the cells, for a trial")] = False,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Fit novelty, set limits, attributes and the index of cells to the live white-cell model."""
    from core.models import registry
    from core.models.weights import WeightsRefused
    from core.training.white_cells.fit_uncertainty import Amount
    from core.training.white_cells.fit_uncertainty import characterise as fit

    amount = Amount(1000, 450, 1300, 300, 80, 80) if quick else Amount()
    try:
        made = fit(
            registry.live("wbc"),
            data or settings().data,
            amount=amount,
            seed=seed,
            report=_tell,
        )
    except (FileNotFoundError, WeightsRefused) as error:
        stop(str(error))
    print(f"{made.name} and its sidecar are written; now python -m core evaluate wbc")


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
    as_json: Annotated[bool, typer.Option("--json")] = False,
    folder: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Adapt the live white-cell model to a laboratory by a handful of its cells."""
    from core.datasets.intake.cells import DataRefused
    from core.models.weights import WeightsRefused
    from core.training.white_cells.adaptation import adaptations
    from core.training.white_cells.adaptation.adapt import adapt_to
    from core.training.white_cells.adaptation.last_layer import AdaptRefused

    if folder is not None:
        os.nice(5)  # a page that a person waits for goes first
        adaptations.work(folder)
        return
    try:
        if measure:
            _measure(data or settings().data, per_class, deep)
            return
        if data is None:
            stop("--data must name the folder of the laboratory's cells")
        made = adapt_to(data, per_class=per_class, seed=seed, target=to, deep=deep, report=_tell)
    except (AdaptRefused, DataRefused, WeightsRefused, FileNotFoundError) as error:
        stop(str(error))
    print(json.dumps(made.as_json()) if as_json else made.in_words())


def _measure(data: Path, per_class: int, deep: bool) -> None:
    """Print the figures and put them into the live model's card."""
    from core.models import registry, weights
    from core.training.white_cells.adaptation.adapt_trial import measure_adaptation

    model = registry.live("wbc")
    figures = measure_adaptation(model, data, per_class=per_class, deep=deep, report=_tell)
    key = "adaptation_deep" if deep else "adaptation"
    said = {**model.card.get("evaluation", {}), key: figures}
    weights.write_card(model.path, {**model.card, "evaluation": said})
    print(json.dumps(figures, indent=2))


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def export(
    model: Annotated[str, typer.Argument(help="wbc or locator, or a .safetensors file")],
    onnx: Annotated[Path, typer.Option("--onnx", help="the file to write")],
) -> None:
    """Write a model as ONNX, with its classes and preprocessing, checked against torch."""
    from core.models.onnx_check import ExportDiffers, export_checked
    from core.models.weights import WeightsRefused

    try:
        found = export_checked(model, onnx)
    except (ExportDiffers, WeightsRefused, OSError, ValueError) as error:
        stop(str(error))
    print(found)


def stop(message: str) -> NoReturn:
    """Say what is wrong in one sentence and leave with status 2."""
    print(message, file=sys.stderr)
    raise typer.Exit(2)


def add_to(app: typer.Typer) -> None:
    """Register the family."""
    app.command()(characterise)
    app.command()(adapt)
    app.command()(export)
