"""``python -m core reproduce wbc``: automated white-cell classification by ResNet-18."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from core.settings import settings


def wbc(
    data: Annotated[
        Path | None, typer.Option(help="folder of the public sets (default: HEMADESK_DATA)")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="folder for the training and the table")] = None,
    seed: Annotated[int, typer.Option()] = 0,
    full: Annotated[
        bool, typer.Option(help="full size on any device; hours without CUDA, resumable")
    ] = False,
    epochs: Annotated[int | None, typer.Option(help="at most that many")] = None,
    dry_run: Annotated[
        bool, typer.Option(help="print what would be trained, how long, and the memory")
    ] = False,
    weights: Annotated[
        Path | None,
        typer.Option(help="ResNet-18 to begin with: .safetensors or .pth, torchvision's names"),
    ] = None,
) -> None:
    """Train as published and print its report beside ours and the majority baseline.

    With CUDA or --full at full size; otherwise a reduced setting that says so. Broken off, it goes
    on with the same command.
    """
    from core.studies.paper_wbc import plan, reproduce_wbc

    folder = to or settings().var / "reproduce" / ("wbc-full" if full else "wbc")
    try:
        if dry_run:
            print(plan(data or settings().data, full=full, epochs=epochs, seed=seed).as_text())
            return
        found = reproduce_wbc(
            data or settings().data,
            folder,
            seed,
            lambda line: print(line, file=sys.stderr, flush=True),
            full=full,
            epochs=epochs,
            weights=weights,
        )
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    table = as_markdown(found, _live_report())
    (folder / "wbc.json").write_text(json.dumps(found, indent=2) + "\n")
    (folder / "table.md").write_text(table)
    print(table)
    print(f"The table and the training are in {folder}.")


def as_markdown(found: dict[str, Any], live: dict[str, Any]) -> str:
    """The published report, the system trained anew, the shipped model, and the naive answer."""
    from core.evaluation import paper_wbc_report
    from core.evaluation.confusion_picture import as_markdown as confusion_table

    def cells(report: dict[str, Any], name: str) -> str:
        row = report.get(name)
        if not row or not row["n"]:
            return "no test cells"
        return " / ".join(
            "none" if row[key] is None else f"{row[key]:.3f}"
            for key in ("precision", "recall", "f1")
        )

    lines = [
        f"Setting: {found['setting']}; start: {found['start']}; seed {found['seed']}; "
        f"{found['training_cells']} training cells. Near-duplicates stay on one side.",
        "",
        "| class | published P / R / F1 | trained anew | shipped model | test cells |",
        "|---|---|---|---|---|",
    ]
    for name in dict.fromkeys([*paper_wbc_report.REPORT, *found["classes"]]):
        row = paper_wbc_report.REPORT.get(name)
        published = " / ".join(f"{one:.2f}" for one in row) if row else "not given"
        number = found["report"].get(name, {}).get("n", 0)
        lines.append(
            f"| {name} | {published} | {cells(found['report'], name)} | "
            f"{cells(live.get('report', {}), name)} | {number} |"
        )
    accuracy = found["accuracy"]
    lines += [
        "",
        f"Accuracy: published {paper_wbc_report.ACCURACY:.3f} (its own data); trained anew "
        f"{accuracy['value']:.3f} ({accuracy['low']:.3f} to {accuracy['high']:.3f}, "
        f"n {accuracy['n']}); shipped model {_said(live.get('eight_class_accuracy'))}; always the "
        f"most frequent class {found['majority_baseline']:.3f}.",
        "",
        confusion_table(_array(found["confusion"]), found["classes"]),
    ]
    return "\n".join(lines) + "\n"


def _said(row: dict[str, Any] | None) -> str:
    if not row:
        return "not measured"
    return f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f}, n {row['n']})"


def _array(rows: list[list[int]]) -> Any:
    import numpy as np

    return np.array(rows, np.int64)


def _live_report() -> dict[str, Any]:
    """The shipped model's figures on the same test part, from its card."""
    from core.models import registry

    return dict(registry.live("wbc").card.get("evaluation", {}).get("pbc_test", {}))
