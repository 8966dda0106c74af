"""``python -m core cases queue-gain``: what the two lists of cells save against a random order."""

from typing import Annotated

import typer

from core.commands.terminal import Data, public_sets, stop


def queue_gain(
    data: Data = None,
    repeats: Annotated[
        int, typer.Option(min=1, help="repeats of each order, with other first cells")
    ] = 10,
) -> None:
    """What "To label next" and "Worth a second look" save, measured on PBC; takes some minutes."""
    from statistics import median

    folder = public_sets(data)
    from core.studies import queue_gain as gain
    from core.studies.second_look_gain import KINDS, second_look

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
        ways = [(name, choose, False) for name, choose in gain.CHOOSERS.items()]
        ways.append(("queue of a shortlist", gain.by_queue, True))
        by_chance: gain.Curve | None = None
        for name, choose, shortlisted in ways:
            curve = gain.simulate(found, choose, name, repeats, shortlisted=shortlisted)
            by_chance = by_chance or curve  # the first of them
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
            if curve is not by_chance:
                mean, interval = curve.gain_over(by_chance)
                print(
                    f"    over random order, all steps: {100 * mean:+.1f} points "
                    f"({100 * interval.low:+.1f} to {100 * interval.high:+.1f}, {repeats} repeats)"
                )
    for kind in KINDS:
        look = second_look(drawn, kind, repeats=repeats)
        precision = look.wrong_listed / look.listed if look.listed else 0.0
        print(
            f"second look, {100 * look.share:.0f} % of {look.cells} labels made wrong ({kind}): "
            f"{100 * precision:.0f} % of {look.listed} listed in {repeats} repeats are wrong "
            f"({100 * look.precision.low:.0f} to {100 * look.precision.high:.0f}; in random order "
            f"{100 * look.share:.0f}); {100 * look.found:.0f} % of the wrong ones are listed "
            f"({100 * look.found_interval.low:.0f} to {100 * look.found_interval.high:.0f})"
        )
