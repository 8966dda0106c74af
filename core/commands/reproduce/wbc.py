"""``python -m core reproduce wbc``: automated white-cell classification by ResNet-18."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands.reproduce.as_job import DryRun, Ordered, as_job
from core.commands.terminal import Data, public_sets, results_folder, stop
from core.files import write_atomically, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.models.cards.white_cell_figures import InLaboratory
    from core.statistics.figures import ClassRow, Measured
    from core.studies.papers.progress import Reporter
    from core.studies.papers.wbc import PaperWbcResult


def wbc(
    data: Data = None,
    to: Annotated[Path | None, typer.Option(help="folder for the training and the table")] = None,
    seed: Annotated[int, typer.Option()] = 0,
    full: Annotated[
        bool, typer.Option("--full", help="all cells, also without CUDA: some hours on two cores")
    ] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="largest number of epochs")] = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="ResNet-18 weights to start from: .safetensors or .pth", exists=True),
    ] = None,
    dry_run: DryRun = False,
    job: Ordered = False,
) -> None:
    """Train the paper's ResNet-18 and print its report beside ours and the majority baseline.

    With CUDA or --full at full size, otherwise in a reduced form that says so. A run that was
    stopped resumes from its last epoch.
    """
    sets, folder = public_sets(data), results_folder(to, "reproduce", "wbc")
    from core.studies.papers import curves
    from core.studies.papers.wbc import forecast, reproduce_wbc
    from core.training.loop.history import read_history

    if dry_run:
        try:
            print(forecast(sets, seed, full=full, epochs=epochs))
        except FileNotFoundError as error:
            stop(error)
        return

    def study(reporter: "Reporter") -> str:
        result = reproduce_wbc(
            sets, folder, seed, reporter, full=full, epochs=epochs, weights=weights
        )
        epochs_done = read_history(folder)
        went = curves.in_words(epochs_done, "accuracy")
        table = f"{as_markdown(result, _live_report())}\n{went}\n"
        curve = curves.loss_curve_svg(epochs_done, "ResNet-18 trained anew")
        if curve is not None:
            write_atomically(folder / "curve.svg", curve)
        write_json(folder / "wbc.json", result, indent=2)
        write_atomically(folder / "table.md", table)
        return f"{table}\nThe table and the training are in {folder}."

    options = {"data": data, "to": to, "seed": seed, "full": full, "epochs": epochs}
    as_job(folder, "wbc", {**options, "weights": weights}, job, study)


def as_markdown(result: "PaperWbcResult", live: "InLaboratory") -> str:
    """The published report, the system trained anew, the shipped model, and the naive answer."""
    import numpy as np

    from core.evaluation import paper_wbc_report
    from core.evaluation.confusion_picture import as_markdown as confusion_table

    def cells(report: "Mapping[str, ClassRow]", name: str) -> str:
        row = report.get(name)
        if not row or not row["n"]:
            return "no test cells"
        scores = (row["precision"], row["recall"], row["f1"])
        return " / ".join("none" if score is None else f"{score:.3f}" for score in scores)

    lines = [
        f"Setting: {result['setting']}; start: {result['start']}; seed {result['seed']}; "
        f"{result['training_cells']} training cells. Near-duplicates stay on one side.",
        "",
        "| class | published P / R / F1 | trained anew | shipped model | test cells |",
        "|---|---|---|---|---|",
    ]
    for name in dict.fromkeys([*paper_wbc_report.REPORT, *result["classes"]]):
        row = paper_wbc_report.REPORT.get(name)
        published = " / ".join(f"{one:.2f}" for one in row) if row else "not given"
        ours = result["report"].get(name)
        number = ours["n"] if ours else 0
        lines.append(
            f"| {name} | {published} | {cells(result['report'], name)} | "
            f"{cells(live.get('report', {}), name)} | {number} |"
        )
    accuracy = result["accuracy"]
    lines += [
        "",
        f"Accuracy: published {paper_wbc_report.ACCURACY:.3f} (its own data); trained anew "
        f"{accuracy['value']:.3f} ({accuracy['low']:.3f} to {accuracy['high']:.3f}, "
        f"n {accuracy['n']}); shipped model {_accuracy(live.get('eight_class_accuracy'))}; always "
        f"the most frequent class {result['majority_baseline']:.3f}.",
        "",
        confusion_table(np.array(result["confusion"]), result["classes"]),
    ]
    return "\n".join(lines) + "\n"


def _accuracy(row: "Measured | None") -> str:
    if not row:
        return "not measured"
    return f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f}, n {row['n']})"


def _live_report() -> "InLaboratory":
    """The shipped model's figures on the same test part, from its card."""
    from core.models import registry
    from core.models.cards import WhiteCellCard

    return registry.live("wbc").card_as(WhiteCellCard).evaluation.get("pbc_test", {})
