"""``python -m core cases queue-gain``: what the learning queue saves against a random order."""

from typing import Annotated

import typer

from core.commands.terminal import Data, public_sets, stop


def queue_gain(
    data: Data = None,
    repeats: Annotated[
        int, typer.Option(min=1, help="repeats of each order, with other first cells")
    ] = 3,
) -> None:
    """Labels that the queue saves against random order, measured on PBC; takes some minutes."""
    from statistics import median

    folder = public_sets(data)
    from core.studies import queue_gain as gain

    try:
        drawn = gain.draw(folder)
        mixtures = {
            "PBC's own mixture": gain.mixture_of(drawn, folder),
            "a mixture as in blood": gain.BLOOD,
        }
    except FileNotFoundError as error:
        stop(error)
    for title, mixture in mixtures.items():
        found = gain.examples(drawn, mixture)
        print(f"{title}: {len(found.pool)} cells to choose from, {len(found.test)} test cells")
        for name, choose in gain.CHOOSERS.items():
            curve = gain.simulate(found, choose, name, repeats)
            ends = {n: curve.recall[:, curve.labels.index(n)] for n in (80, 160, 240)}
            shown = ", ".join(
                f"{n} labels {100 * float(median(v)):.1f} % "
                f"({100 * v.min():.1f} to {100 * v.max():.1f})"
                for n, v in ends.items()
            )
            needed = ", ".join(
                f"{100 * goal:.0f} %: {median(curve.needed(goal)):.0f} "
                f"({min(curve.needed(goal)):.0f} to {max(curve.needed(goal)):.0f})"
                for goal in (0.5, 0.55, 0.6, 0.65, 0.7)
            )
            print(f"  {name}: mean recall at {shown}; labels to reach {needed}", flush=True)
