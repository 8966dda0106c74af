"""``python -m core analyse`` and ``classify``: blood-smear fields and single cells."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.commands.terminal import AsJson, Pictures, each_picture, stop

if TYPE_CHECKING:
    from core.models.smear_models import SmearModels
    from core.models.weights import LoadedModel
    from core.records import Field, WbcCall


def analyse(
    paths: Pictures,
    as_json: AsJson = False,
    method: Annotated[str, typer.Option(help="how to count: locator or regression")] = "locator",
    chamber_rule: Annotated[
        bool, typer.Option(help="count by the counting chamber's rule")
    ] = False,
    explain: Annotated[
        Path | None, typer.Option(help="write Grad-CAM pictures into this folder")
    ] = None,
) -> None:
    """Count and classify the cells of blood-smear fields."""
    if method not in ("locator", "regression"):
        stop(f"--method must be locator or regression, got {method!r}")
    if method == "regression" and chamber_rule:
        stop(
            "--chamber-rule needs --method locator: regression gives a count and no single cells, "
            "so no counting rule can be applied"
        )

    # Loaded with the first readable picture and kept: all pictures of a command have one set.
    @cache
    def models() -> "SmearModels":
        from core.models import registry

        return registry.smear_models()

    def answer(field: "Field") -> tuple[dict[str, Any], str]:
        from core.inference.smear import analyse as analyse_field

        finding = analyse_field(
            field,
            models(),
            counting_rule="chamber" if chamber_rule else "all_visible",
            method="regression" if method == "regression" else "locator",
        )
        if explain is not None:
            from core.explain.pictures import write_explanations

            write_explanations(field, finding, explain, models())
        counts = ", ".join(
            f"{name} {e.value:.0f} ({e.low:.0f} to {e.high:.0f})"
            for name, e in zip(
                ("RBC", "WBC", "platelets"),
                (finding.counts.of(k) for k in ("rbc", "wbc", "platelet")),
                strict=True,
            )
        )
        calls = "; ".join(_call_words(c.wbc) for c in finding.cells_of("wbc") if c.wbc)
        notes = "".join(f"\n  {flag.message}" for flag in finding.flags)
        return finding.as_json(), f"{field.name}: {counts}{'. ' + calls if calls else ''}{notes}"

    each_picture(paths, as_json, answer)


def _call_words(call: "WbcCall") -> str:
    """``monocyte 0.62 (critical, check)``: the marks are those of the screens."""
    from core.slide import judgement

    marks = judgement.call_marks(call)
    return f"{call.label} {call.probability:.2f}" + (f" ({', '.join(marks)})" if marks else "")


def classify(paths: Pictures, as_json: AsJson = False) -> None:
    """Class of the one white cell in each picture."""

    # Loaded with the first readable picture and kept.
    @cache
    def models() -> "tuple[LoadedModel, LoadedModel]":
        from core.models import registry

        return registry.live("locator"), registry.live("wbc")

    def answer(field: "Field") -> tuple[dict[str, Any], str]:
        from core.inference.white_cell.classify import classify as classify_cell

        call = classify_cell(field, *models())
        return {"file": field.name, **call.as_json()}, f"{field.name}: {_call_words(call)}"

    each_picture(paths, as_json, answer, min_side_px=32)
