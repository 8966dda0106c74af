"""``python -m core reproduce palm``: the CNN on palm photos (Rizal et al. 2022)."""

from typing import TYPE_CHECKING, Annotated

import typer

from core.commands.terminal import Data, progress, public_sets, results_folder, stop

if TYPE_CHECKING:
    from core.datasets.public.ghana_palms import PalmPhoto
    from core.studies.paper_palm import CnnSettings


def palm(
    data: Data = None,
    reduced: Annotated[
        bool, typer.Option(help="small photos and few epochs: minutes on a processor")
    ] = False,
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
) -> None:
    """Tables 1 to 4 of the palm paper: as published, then with a split that does not leak."""
    if limits not in (None, "paper", "who"):
        stop(f"--limits must be paper or who, got {limits!r}")
    sets = public_sets(data)
    from dataclasses import replace

    from core.datasets.public.ghana_palms import load, usable
    from core.studies.paper_palm import REDUCED, CnnSettings
    from core.studies.paper_palm_clusters import clusters

    try:
        photos = usable(load(sets / "palm", limits))  # type: ignore[arg-type]  # checked above
    except (FileNotFoundError, ValueError) as error:
        stop(error)
    if len({photo.anemic for photo in photos}) < 2:
        stop("both classes are needed: photos with anemia and photos without")
    if grouped:
        _print_grouped(photos, epochs)
        return
    chosen = REDUCED if reduced else CnnSettings()
    if epochs is not None:
        chosen = replace(chosen, epochs=epochs)
    print(f"# The CNN on palm photos, {len(photos)} photos\n")
    if chosen.reduced:
        print(f"Reduced: {chosen.reduced}.\n")
    both = clusters(photos)
    for number, cluster in enumerate(both, start=1):
        _print_facts(number, cluster)
    _print_tables(both, states, chosen)


def _print_grouped(photos: "list[PalmPhoto]", epochs: int | None) -> None:
    """AUROC of the CNN on the development part; the locked part is for ``fit-palm`` only."""
    from dataclasses import replace

    from core.datasets.public.palm_splits import lock_away
    from core.evaluation.palm_report import auroc_row
    from core.studies.paper_palm_folds import GROUPED, cross_validated_cnn
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


def _print_facts(number: int, cluster: "list[PalmPhoto]") -> None:
    from core.studies.paper_palm_clusters import cluster_facts

    ill = sum(bool(photo.anemic) for photo in cluster)
    copies = len(cluster) - len({photo.path for photo in cluster})
    print(f"Cluster {number}: {len(cluster)} photos, {ill} anemic, {copies} of them copies.\n")
    known = [facts for facts in cluster_facts(cluster) if facts.values]
    if not known:
        print("No haemoglobin, haematocrit, age or sex in the table.\n")
        return
    print("| | mean | range | missing |\n|---|---|---|---|")
    for facts in known:
        print(
            f"| {facts.name} | {facts.mean:.2f} | {facts.lowest:g} to {facts.highest:g} | "
            f"{facts.missing} of {len(cluster)} |"
        )
    print()


def _print_tables(
    both: "tuple[list[PalmPhoto], list[PalmPhoto]]", states: int, chosen: "CnnSettings"
) -> None:
    from core.studies.paper_palm import train_and_test
    from core.studies.paper_palm_clusters import split_as_in_paper, split_honestly
    from core.studies.paper_palm_tables import (
        StateResult,
        cells_table,
        mean_of,
        paper_rows,
        scores_table,
    )

    summaries: list[str] = []
    for manner, split in (
        ("As published", split_as_in_paper),
        ("Honestly", split_honestly),
    ):
        print(f"## {manner}\n")
        rows: list[list[StateResult]] = []
        for number, cluster in enumerate(both, start=1):
            results = []
            for state in range(states):
                result = train_and_test(split(cluster, state), state, chosen)[0]
                results.append(result)
                progress(f"cluster {number}, state {state} done")
            rows.append(results)
        for number, results in enumerate(rows, start=1):
            paper = paper_rows(number)[:states] if manner == "As published" else ()
            print(f"Table {number}, cluster {number}, percent\n\n{scores_table(results, paper)}\n")
        for number, results in enumerate(rows, start=1):
            print(f"Table {number + 2}, cluster {number}\n\n{cells_table(results)}\n")
        every = [result for results in rows for result in results]
        single = [100 * result.accuracy for result in every]
        summaries.append(
            f"{manner}: mean accuracy {100 * mean_of(every, 'accuracy'):.1f} %, single random "
            f"states {min(single):.1f} to {max(single):.1f} %, always the more frequent class "
            f"{100 * mean_of(every, 'majority'):.1f} %."
        )
    print(" ".join(summaries))
    print(
        "In the published split photos of one group stand on both sides, honestly they do not. "
        "A difference smaller than the spread of the random states shows nothing by itself."
    )
