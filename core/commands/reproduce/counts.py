"""``python -m core reproduce counts``: direct count regression (Adinugroho et al. 2025)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, cast

import typer

from core.commands.reproduce.as_job import DryRun, Ordered, as_job
from core.commands.terminal import Data, public_sets, results_folder, stop
from core.files import write_atomically, write_json
from core.studies.papers.counts_result import FOUND_RATE, WITH_OTHERS, WITH_WBC_SET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.studies.papers.counts_result import LabelErrors, MeanErrors, PaperCounts
    from core.studies.papers.progress import Reporter

PAPER = {
    "without": (6.153, 0.378, 1.023, 2.518),
    "with": (2.548, 0.123, 1.102, 1.258),
    "with, backbone from WBC": (2.775, 0.091, 1.091, 1.319),
}
"""Tables 1 and 2: mean absolute error of RBC, WBC, platelets, and their mean."""

ALAM_AND_ISLAM = {
    "0.25": (4.417, 0.050, 0.083, 1.516),
    "0.35": (2.75, 0.017, 0.083, 0.95),
    "0.55": (2.083, 0.2, 0.117, 0.8),
}
"""Table 4, by threshold, as printed."""


def counts(
    data: Data = None,
    to: Annotated[
        Path | None, typer.Option(help="folder for the trainings, the tables and figure 5")
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="the paper's ResNet-50, also without CUDA: a day on two cores"),
    ] = False,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="largest number of epochs of every training")
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="weights of the network to start from: .safetensors or .pth", exists=True
        ),
    ] = None,
    dry_run: DryRun = False,
    job: Ordered = False,
) -> None:
    """Train as published and print tables 1 to 4 with our numbers beside the paper's.

    With CUDA or --full the paper's ResNet-50, otherwise a reduced setting that says so. Tables of
    the trainings that have ended are written after each. A stopped run resumes.
    """
    sets, folder = public_sets(data), results_folder(to, "reproduce", "counts")
    from core.studies.papers.counts import forecast, reproduce_counts

    if dry_run:
        try:
            print(forecast(sets, full=full, epochs=epochs, weights=weights))
        except (FileNotFoundError, ValueError) as error:
            stop(error)
        return

    def study(reporter: "Reporter") -> str:
        result = reproduce_counts(
            sets,
            folder,
            reporter,
            full=full,
            epochs=epochs,
            weights=weights,
            so_far=lambda so_far: _write(so_far, folder),
        )
        return f"{as_markdown(result)}\nTables, figure 5 and the trainings are in {folder}."

    options = {"data": data, "to": to, "full": full, "epochs": epochs, "weights": weights}
    as_job(folder, "counts", options, job, study)


def _write(result: "PaperCounts", folder: Path) -> None:
    from core.studies.count_tables import loss_curves_svg

    write_json(folder / "counts.json", result, indent=2)
    write_atomically(folder / "tables.md", as_markdown(result))
    for key in ("with", "with" + FOUND_RATE):
        if key in result["curves"]:
            name = "figure-5" + key.removeprefix("with").replace(", ", "-").replace(" ", "-")
            svg = loss_curves_svg(result["curves"][key])
            write_atomically(folder / f"{name}.svg", svg)


def as_markdown(result: "PaperCounts") -> str:
    """Tables 1 to 4 as Markdown: the paper's numbers, ours, the constant and the locator.

    A training that has not ended has no column.
    """
    from core.studies.count_tables import table

    ours, relabelled = result["cbc_labels"], result["txl_labels"]
    split = result["split"]
    parts = [
        f"Setting: {result['setting']}. Start: {result['start']}.",
        f"{split['training']} fields to learn from, {split['validation']} to choose on, "
        f"{split['test']} to test on; no field or copy of one in two parts. "
        "Mean absolute error a field; in brackets the 95 % interval of the mean.",
        "### Table 1: without a fine-tuned backbone, CBC labels",
        table({"paper": PAPER["without"], **_columns(result, ours, "without"), **_beside(ours)}),
        "### Table 2: with a fine-tuned backbone, CBC labels",
        table(
            {
                "paper, PBC": PAPER["with"],
                "paper, WBC set": PAPER["with, backbone from WBC"],
                **_columns(result, ours, "with"),
                **_beside(ours),
            }
        ),
        "### Table 3: what the fine-tuned backbone gains, percent",
        _gains(ours),
        "### Table 4: against Alam & Islam (2019) at three thresholds, CBC labels",
        table(
            {
                "paper": PAPER["with"],
                **{f"A & I, {t}": row for t, row in ALAM_AND_ISLAM.items()},
                **_columns(result, ours, "with"),
                **_beside(ours),
            }
        ),
        "### The same 60 fields with every visible cell labelled (TXL-PBC)",
        table(
            {
                **_columns(result, relabelled, "without"),
                **_columns(result, relabelled, "with"),
                **_beside(relabelled),
            }
        ),
        "The regressor and the constant learnt from CBC's labels, which leave out four red cells "
        "in ten; the locator from labels of every visible cell. Each fits its own labels best.",
        "### The trainings",
        _trainings(result),
    ]
    return "\n\n".join(parts) + "\n"


_TITLES: Final = {
    "without": "ours, without",
    "with": "ours, PBC",
    WITH_WBC_SET: "ours, WBC set",
    WITH_OTHERS: "ours, DeepBioNet and TXL",
}


def _title(key: str, result: "PaperCounts") -> str:
    rate = result["learning_rates"].get(key)
    title = _TITLES[key.removesuffix(FOUND_RATE)]
    return f"{title}, rate {rate:.0e}" if key.endswith(FOUND_RATE) and rate else title


def _columns(
    result: "PaperCounts", rows: "LabelErrors", kind: Literal["with", "without"]
) -> "dict[str, MeanErrors]":
    """The trainings that have ended, with or without a fine-tuned backbone."""
    keys = [one for one in _TITLES if one.split(",")[0] == kind]
    known = cast("Mapping[str, MeanErrors]", rows)
    return {
        _title(key, result): known[key]
        for one in keys
        for key in (one, one + FOUND_RATE)
        if key in known
    }


def _beside(rows: "LabelErrors") -> "dict[str, MeanErrors]":
    """The columns that every table ends with."""
    return {"constant": rows["constant"], "our locator": rows["locator"]}


def _gains(ours: "LabelErrors") -> str:
    from core.studies.count_tables import ROWS

    known = cast("Mapping[str, MeanErrors]", ours)
    ends = [end for end in ("", FOUND_RATE) if "without" + end in known and "with" + end in known]
    head = ["", "paper", *(f"ours{end}" for end in ends)]
    lines = [_row(head), "|---" * len(head) + "|"]
    for place, (key, name) in enumerate(ROWS):
        before, after = PAPER["without"][place], PAPER["with"][place]
        gains = [1 - after / before]
        gains += [1 - known["with" + end][key] / known["without" + end][key] for end in ends]
        lines.append(_row([name, *(f"{100 * gain:.1f} %" for gain in gains)]))
    return "\n".join(lines)


def _trainings(result: "PaperCounts") -> str:
    from core.studies.papers.progress import duration

    head = ["training", "rate", "epochs", "best validation", "at epoch", "time"]
    lines = [_row(head), "|---" * len(head) + "|"]
    for key, curve in result["curves"].items():
        epoch, _, best = min(curve, key=lambda point: point[2])
        took = duration(result["seconds"][key])
        rate = f"{result['learning_rates'][key]:.0e}"
        lines.append(_row([key, rate, str(len(curve)), f"{best:.2f}", f"{epoch:.0f}", took]))
    return "\n".join(lines)


def _row(cells: "Sequence[str]") -> str:
    return "| " + " | ".join(cells) + " |"
