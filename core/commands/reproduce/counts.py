"""``python -m core reproduce counts``: direct count regression (Adinugroho et al. 2025)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands.terminal import Data, progress, public_sets, results_folder, stop

if TYPE_CHECKING:
    from core.studies.paper_counts_result import LabelErrors, MeanErrors, PaperCounts

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
) -> None:
    """Train as published and print tables 1 to 4 with our numbers beside the paper's.

    With CUDA the full ResNet-50; without it a reduced setting that says so. A stopped run resumes.
    """
    sets, folder = public_sets(data), results_folder(to, "reproduce", "counts")
    from core.studies.count_tables import loss_curves_svg
    from core.studies.paper_counts import reproduce_counts

    try:
        result = reproduce_counts(sets, folder, progress)
    except (FileNotFoundError, ValueError) as error:
        stop(error)
    tables = as_markdown(result)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "counts.json").write_text(json.dumps(result, indent=2) + "\n")
    (folder / "tables.md").write_text(tables)
    (folder / "figure-5.svg").write_text(loss_curves_svg(result["curves"]["with"]))
    print(tables)
    print(f"Tables, figure 5 and both trainings are in {folder}.")


def as_markdown(result: "PaperCounts") -> str:
    """Tables 1 to 4 as Markdown: the paper's numbers, ours, the constant and the locator."""
    from core.studies.count_tables import table

    ours, relabelled = result["cbc_labels"], result["txl_labels"]
    split = result["split"]
    parts = [
        f"Setting: {result['setting']}.",
        f"{split['training']} fields to learn from, {split['validation']} to choose on, "
        f"{split['test']} to test on; no field or copy of one in two parts. "
        "Mean absolute error a field; in brackets the 95 % interval of the mean.",
        "### Table 1: without a fine-tuned backbone, CBC labels",
        table({"paper": PAPER["without"], "ours": ours["without"], **_beside(ours)}),
        "### Table 2: with a fine-tuned backbone, CBC labels",
        table(
            {
                "paper, PBC": PAPER["with"],
                "paper, WBC set": PAPER["with, backbone from WBC"],
                "ours, PBC": ours["with"],
                **_with_wbc_set(ours),
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
                "ours, PBC": ours["with"],
                **_beside(ours),
            }
        ),
        "### The same 60 fields with every visible cell labelled (TXL-PBC)",
        table(
            {
                "ours, without": relabelled["without"],
                "ours, PBC": relabelled["with"],
                **_beside(relabelled),
            }
        ),
        "The regressor and the constant learnt from CBC's labels, which leave out four red cells "
        "in ten; the locator from labels of every visible cell. Each fits its own labels best.",
    ]
    return "\n\n".join(parts) + "\n"


def _with_wbc_set(rows: "LabelErrors") -> "dict[str, MeanErrors]":
    """The column of the paper's second set of cells, if that set was there to learn from."""
    row = rows.get("with, backbone from WBC")
    return {} if row is None else {"ours, WBC set": row}


def _beside(rows: "LabelErrors") -> "dict[str, MeanErrors]":
    """The columns that every table ends with."""
    return {"constant": rows["constant"], "our locator": rows["locator"]}


def _gains(ours: "LabelErrors") -> str:
    from core.studies.count_tables import ROWS

    lines = ["| | paper | ours |", "|---|---|---|"]
    for place, (key, name) in enumerate(ROWS):
        before, after = PAPER["without"][place], PAPER["with"][place]
        our_gain = 100 * (1 - ours["with"][key] / ours["without"][key])
        lines.append(f"| {name} | {100 * (1 - after / before):.1f} % | {our_gain:.1f} % |")
    return "\n".join(lines)
