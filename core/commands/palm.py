"""``python -m core palm`` and ``fit-palm``: the palm's answer, and how its model is made."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from core.settings import settings


def palm(
    paths: Annotated[list[Path], typer.Argument(help="pictures, or folders of pictures")],
    as_json: Annotated[
        bool, typer.Option("--json", help="one JSON object per picture and line")
    ] = False,
    kind: Annotated[
        str, typer.Option(help="hand, crop (nothing but palm), or auto: find out")
    ] = "auto",
    prevalence: Annotated[
        float, typer.Option(help="share of people like these with anemia, between 0 and 1")
    ] = 0.5,
) -> None:
    """Is a palm pale enough to ask for a blood test; a blood test decides."""
    from core.imaging.read import ImageRefused, read_path
    from core.inference.palm.screening import can_be_judged, read_palm
    from core.models.weights import WeightsRefused

    if kind not in ("auto", "hand", "crop"):
        _stop(f"--kind must be auto, hand or crop, got {kind!r}")
    if not 0 < prevalence < 1:
        _stop(f"--prevalence must lie between 0 and 1, got {prevalence:g}")
    failed = False
    for path in _pictures(paths):
        try:
            field = replace(read_path(path, settings(), min_side_px=64), name=str(path))
            call = read_palm(field, kind, prevalence=prevalence).call  # type: ignore[arg-type]  # checked above
        except ImageRefused as refusal:
            failed = True
            if as_json:
                print(json.dumps(refusal.as_json() | {"file": str(path)}), flush=True)
            else:
                print(refusal.message, file=sys.stderr, flush=True)
            continue
        except WeightsRefused as error:
            _stop(str(error))
        if as_json:
            print(json.dumps(call.as_json()), flush=True)
            continue
        notes = "".join(f"\n  {flag.message}" for flag in call.flags)
        said = "no verdict, this photo cannot be judged"
        if can_be_judged(call.flags):
            said = (
                f"{call.decision.replace('_', ' ')}, {call.anemia_probability:.0%} "
                f"({call.low:.0%} to {call.high:.0%}) where {prevalence:.0%} have anemia"
            )
        print(f"{path}: {said}; a blood test decides{notes}", flush=True)
    if failed:
        raise typer.Exit(1)


def fit_palm(
    to: Annotated[Path, typer.Argument(help="where to save the model, NAME.safetensors")],
    data: Annotated[
        Path | None, typer.Option(help="folder of the public sets (default: HEMADESK_DATA)")
    ] = None,
    published: Annotated[
        bool, typer.Option(help="train the published CNN in the same folds, to stand beside")
    ] = True,
) -> None:
    """Fit and calibrate the palm classifier; judge it by cross-validation and the locked part.

    The published CNN takes a quarter of an hour; stopped, it goes on where it was.
    """
    from core.studies.paper_palm_folds import paper_cnn_logits
    from core.training.palm.export import fit_palm as fit

    if to.suffix != ".safetensors":
        _stop(f"the model's name must end in .safetensors, got {to.name}")
    place = data or settings().data
    try:
        beside = paper_cnn_logits(place, settings().var / "palm-cnn", _tell) if published else None
        model = fit(place, to, beside, say=_tell)
    except (FileNotFoundError, ValueError) as error:
        _stop(str(error))
    print(json.dumps(model.card["evaluation"], indent=2))


def _pictures(paths: list[Path]) -> list[Path]:
    """Folders become their pictures, by name; everything else stays as given."""
    from core.datasets.catalogue import PICTURES

    found: list[Path] = []
    for path in paths:
        inside = (
            [p for p in path.iterdir() if p.suffix.lower() in PICTURES] if path.is_dir() else []
        )
        found += sorted(inside) or [path]
    return found


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _stop(message: str) -> None:
    """Say what is wrong in one sentence and leave with status 2."""
    print(message, file=sys.stderr)
    raise typer.Exit(2)
