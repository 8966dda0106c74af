"""``python -m core palm`` and ``fit-palm``: the palm's answer, and how its model is made."""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands.terminal import (
    AsJson,
    Data,
    Pictures,
    check_choice,
    each_picture,
    progress,
    public_sets,
    results_folder,
    stop,
)

if TYPE_CHECKING:
    from core.models.weights import LoadedModel
    from core.records import Field
    from core.review.acceptance.status import LabAcceptances


def palm(
    paths: Pictures,
    as_json: AsJson = False,
    kind: Annotated[
        str, typer.Option(help="hand, crop (nothing but palm), or auto: find out")
    ] = "auto",
    prevalence: Annotated[
        float, typer.Option(help="share of people like these with anemia, between 0 and 1")
    ] = 0.5,
) -> None:
    """Hint whether a palm is pale enough to ask for a blood test; only a blood test decides."""
    check_choice("--kind", kind, ("auto", "hand", "crop"))
    if not 0 < prevalence < 1:
        stop(f"--prevalence must lie between 0 and 1, got {prevalence:g}")

    # Loaded with the first readable picture and kept.
    @cache
    def model() -> "LoadedModel":
        from core.models import registry

        return registry.live("palm")

    @cache
    def acceptances() -> "LabAcceptances":
        from core.review.acceptance.status import known_here

        return known_here()

    def answer(field: "Field") -> tuple[dict[str, object], str]:
        from core.inference.palm.screening import can_be_judged, read_palm
        from core.review.exchange.json_rows import palm_row
        from core.slide.palm_words import sentences

        call = read_palm(field, model(), kind, prevalence=prevalence).call  # type: ignore[arg-type]  # checked above
        notes = "".join(f"\n  {flag.message}" for flag in call.flags)
        words = " ".join(sentences(call.as_json(), spoilt=not can_be_judged(call.flags)))
        accepted = acceptances().of({"palm": call.model})
        return palm_row(
            call, acceptances()
        ), f"{field.name}: {words}{notes}\n  model {accepted.words}"

    each_picture(paths, as_json, answer, min_side_px=64, dicom=False)


def fit_palm(
    to: Annotated[Path, typer.Argument(help="where to save the model, NAME.safetensors")],
    data: Data = None,
    published: Annotated[
        bool, typer.Option(help="train the published CNN in the same folds, to stand beside")
    ] = True,
) -> None:
    """Fit and calibrate the palm classifier; judge it by cross-validation and the locked part.

    The published CNN takes a quarter of an hour; stopped, it goes on where it was.
    """
    if to.suffix != ".safetensors":
        stop(f"the model's name must end in .safetensors, got {to.name}")
    sets = public_sets(data)
    from core.studies.papers.palm_folds import paper_cnn_logits
    from core.training.palm.export import fit_palm as fit

    try:
        logits = (
            paper_cnn_logits(sets, results_folder(None, "palm-cnn"), progress)
            if published
            else None
        )
        model = fit(sets, to, logits, say=progress)
    except (FileNotFoundError, ValueError) as error:
        stop(error)
    print(json.dumps(model.card.evaluation, indent=2))
