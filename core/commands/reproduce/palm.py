"""``python -m core reproduce palm``: the CNN on palm photos (Rizal et al. 2022)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands.reproduce.as_job import DryRun, Ordered, as_job
from core.commands.terminal import Data, progress, public_sets, results_folder, stop
from core.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.datasets.public.ghana_palms import PalmPhoto
    from core.studies.papers.palm_tables import StateResult
    from core.studies.papers.progress import Reporter


def palm(
    data: Data = None,
    to: Annotated[
        Path | None, typer.Option(help="folder for the results of the trainings and the tables")
    ] = None,
    full: Annotated[
        bool,
        typer.Option(
            "--full/--reduced",
            help="500x375 pixels, some hours on two cores; or small photos and few epochs",
        ),
    ] = True,
    states: Annotated[int, typer.Option(min=1, max=10, help="random states, from 0")] = 10,
    epochs: Annotated[int | None, typer.Option(min=1, help="largest number of epochs")] = None,
    limits: Annotated[
        str | None,
        typer.Option(help="make the label from haemoglobin: paper or who (default: the table's)"),
    ] = None,
    grouped: Annotated[
        bool,
        typer.Option(
            help="AUROC in the shipped model's folds of session blocks instead of the tables; "
            "a stopped run resumes"
        ),
    ] = False,
    dry_run: DryRun = False,
    job: Ordered = False,
) -> None:
    """Tables 1 to 4 of the palm paper: as published, then with a split that does not leak.

    A run that was stopped resumes after its last finished training.
    """
    if limits not in (None, "paper", "who"):
        stop(f"--limits must be paper or who, got {limits!r}")
    sets = public_sets(data)
    from dataclasses import replace

    from core.datasets.public.ghana_palms import load, usable
    from core.studies.papers.palm import REDUCED, CnnSettings
    from core.studies.papers.palm_clusters import clusters
    from core.studies.papers.palm_states import all_states, forecast

    try:
        photos = usable(load(sets / "palm", limits))  # type: ignore[arg-type]  # checked above
    except (FileNotFoundError, ValueError) as error:
        stop(error)
    if len({photo.anemic for photo in photos}) < 2:
        stop("both classes are needed: photos with anemia and photos without")
    if grouped:
        _print_grouped(photos, epochs)
        return
    chosen = CnnSettings() if full else REDUCED
    if epochs is not None:
        chosen = replace(chosen, epochs=epochs)
    if dry_run:
        print(forecast(photos, states, chosen))
        return
    folder = results_folder(to, "reproduce", "palm")

    def study(reporter: "Reporter") -> str:
        results = all_states(photos, states, chosen, folder, reporter)
        parts = [f"# The CNN on palm photos, {len(photos)} photos\n"]
        if chosen.reduced:
            parts.append(f"Reduced: {chosen.reduced}.\n")
        both = enumerate(clusters(photos), start=1)
        parts += [_facts(number, cluster) for number, cluster in both]
        parts.append(as_markdown(results))
        tables = "\n".join(parts)
        write_atomically(folder / "tables.md", tables + "\n")
        return f"{tables}\nThe tables and the result of each training are in {folder}."

    options = {"data": data, "to": to, "states": states, "epochs": epochs, "limits": limits}
    as_job(folder, "palm", {**options, "reduced": not full}, job, study)


def _print_grouped(photos: "list[PalmPhoto]", epochs: int | None) -> None:
    """AUROC of the CNN on the development part; the locked part is for ``fit-palm`` only."""
    from dataclasses import replace

    from core.datasets.public.palm_splits import lock_away
    from core.evaluation.palm_report import auroc_row
    from core.studies.papers.palm_folds import GROUPED, cross_validated_cnn
    from core.training.palm.head import blocks_of, mean_auroc, truth_of

    development = [photos[i] for i in lock_away(photos).learn]
    chosen = GROUPED if epochs is None else replace(GROUPED, epochs=epochs)
    try:
        logits = cross_validated_cnn(
            development,
            results_folder(None, "palm-cnn"),
            chosen,
            say=progress,
        )
    except ValueError as error:
        stop(error)
    truth, blocks = truth_of(development), blocks_of(development)
    row = auroc_row(logits.mean(axis=0), truth, blocks)
    print(f"# The CNN in folds of session blocks, {len(development)} photos\n")
    print(f"Reduced: {chosen.reduced}; {chosen.epochs} epochs.\n")
    print(
        f"AUROC {row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f}) of the mean of "
        f"{len(logits)} networks, {row['n']} photos of {row['blocks']} session blocks; a single "
        f"network {mean_auroc(logits, truth):.2f}; 0.50 is chance."
    )


def _facts(number: int, cluster: "list[PalmPhoto]") -> str:
    from core.studies.papers.palm_clusters import cluster_facts

    ill = sum(bool(photo.anemic) for photo in cluster)
    copies = len(cluster) - len({photo.path for photo in cluster})
    lines = [f"Cluster {number}: {len(cluster)} photos, {ill} anemic, {copies} of them copies.", ""]
    known = [facts for facts in cluster_facts(cluster) if facts.values]
    if not known:
        lines.append("No haemoglobin, haematocrit, age or sex in the table.")
    else:
        lines += ["| | mean | range | missing |", "|---|---|---|---|"]
        lines += [
            f"| {facts.name} | {facts.mean:.2f} | {facts.lowest:g} to {facts.highest:g} | "
            f"{facts.missing} of {len(cluster)} |"
            for facts in known
        ]
    return "\n".join([*lines, ""])


def as_markdown(results: "Mapping[str, list[list[StateResult]]]") -> str:
    """Tables 1 to 4 in each manner of splitting, and what they come to."""
    from core.studies.papers.palm_tables import cells_table, mean_of, paper_rows, scores_table

    parts: list[str] = []
    summaries: list[str] = []
    for manner, rows in results.items():
        parts.append(f"## {manner}\n")
        for number, states in enumerate(rows, start=1):
            paper = paper_rows(number)[: len(states)] if manner == "As published" else ()
            parts.append(
                f"Table {number}, cluster {number}, percent\n\n{scores_table(states, paper)}\n"
            )
        for number, states in enumerate(rows, start=1):
            parts.append(f"Table {number + 2}, cluster {number}\n\n{cells_table(states)}\n")
        every = [result for states in rows for result in states]
        single = [100 * result.accuracy for result in every]
        summaries.append(
            f"{manner}: mean accuracy {100 * mean_of(every, 'accuracy'):.1f} %, single random "
            f"states {min(single):.1f} to {max(single):.1f} %, always the more frequent class "
            f"{100 * mean_of(every, 'majority'):.1f} %."
        )
    parts += [
        " ".join(summaries),
        "In the published split photos of one group stand on both sides, honestly they do not. "
        "A difference smaller than the spread of the random states shows nothing by itself.",
    ]
    return "\n".join(parts)
