"""Class of white cells, with the set of classes that cannot be excluded, and abstention."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from core.imaging.quality import assess
from core.inference.white_cell.attributes import attributes_of, contradictions, described, in_words
from core.inference.white_cell.features import Answers, answers_of, logits_of
from core.inference.white_cell.framing import single_cell_crop
from core.inference.white_cell.hierarchy import classes_above, critical_probability, reported_as
from core.inference.white_cell.local_head import answered_by_head, head_logits
from core.inference.white_cell.novelty import (
    Calibration,
    apply_label_shift,
    calibration_of,
    familiarity,
)
from core.inference.white_cell.stages import STAGED_CLASS, named_stage, stages_of
from core.inference.white_cell.uncertainty import (
    Uncertainty,
    uncertainty_of,
    uncertainty_path,
)
from core.models.cards import WhiteCellCard
from core.models.weights import LoadedModel, WeightsRefused
from core.records import Field, Flag, RgbImage, SetsElsewhere, WbcCall
from core.statistics.calibration import as_probabilities
from core.taxonomy import parent_of, title

_NOVEL: Final = Flag(
    "novel_cell", "This does not look like a white cell that the model learnt; it was not guessed."
)


def call_crops(crops: Sequence[RgbImage], model: LoadedModel) -> list[WbcCall]:
    """One call per crop, each ``(128, 128, 3)`` with the cell in the middle."""
    if not crops:
        return []
    uncertainty = uncertainty_of(model)
    card = model.card_as(WhiteCellCard)
    if uncertainty is None and card.local_head is not None:
        raise WeightsRefused(
            f"{model.path.name} is adapted to a laboratory, and what holds that, "
            f"{uncertainty_path(model.path).name} beside it, is missing or of another model; "
            "restore it"
        )
    if uncertainty is None:
        rows = as_probabilities(logits_of(crops, model), card.temperature)
        calibration = calibration_of(model, None, False)
        return [_call(row, row, model, calibration) for row in rows]
    answers = answers_of(crops, model)
    seen = familiarity(answers.features, uncertainty)
    described_as = attributes_of(answers.features, uncertainty)
    staged = stages_of(answers.features, uncertainty)
    by_head = answered_by_head(answers.features, seen.unfamiliar, uncertainty)
    logits_here = apply_label_shift(
        answers.logits, seen.distance, uncertainty.card.label_shift
    ).copy()
    if by_head.any():
        local = Answers(answers.logits[by_head], answers.features[by_head])
        local_crops = [crops[int(i)] for i in np.flatnonzero(by_head)]
        logits_here[by_head] = head_logits(local, local_crops, uncertainty, card.classes)
    calls = []
    for i, logits in enumerate(logits_here):
        unfamiliar = bool(seen.unfamiliar[i] or by_head[i])
        calibration = calibration_of(model, uncertainty, unfamiliar)
        both = np.stack([logits, answers.logits[i]])
        row, as_learnt = as_probabilities(both, calibration.temperature)
        # Only in the laboratory learnt from, where the set's coverage is known to be 90 %.
        call = _call(row, as_learnt, model, calibration, uncertainty, may_be_empty=not unfamiliar)
        elsewhere = None if unfamiliar else _elsewhere(logits, model, uncertainty)
        novel = bool(seen.not_a_cell[i] > seen.limit)
        known = described_as[i] if described(call.label) and not novel else ()
        stages = staged[i] if call.label == STAGED_CLASS and not novel else {}
        # The stages were learnt in one laboratory, so they are named only for cells like its own.
        sure = not (unfamiliar or call.abstained)
        calls.append(
            replace(
                call,
                abstained=call.abstained or novel,
                flags=call.flags + ((_NOVEL,) if novel else ()),
                attributes={one.name: one.value for one in known},
                description=in_words(known),
                contradictions=tuple(contradictions(call.label, known)),
                not_a_cell=float(seen.not_a_cell[i]),
                unfamiliar=unfamiliar,
                acquainted=bool(by_head[i]),
                elsewhere=elsewhere,
                stage=named_stage(stages, _stage_limit(uncertainty)) if sure else "",
                stage_probabilities=stages,
            )
        )
    return calls


def _stage_limit(uncertainty: Uncertainty) -> float:
    return 1.0 if uncertainty.card.stages is None else uncertainty.card.stages.limit


def prediction_set(row: npt.NDArray[np.floating], limit: float) -> npt.NDArray[np.int64]:
    """Indices of the classes with a probability of at least ``limit``, best first; never empty.

    ``limit`` is one minus the conformal quantile. Source: Sadinle 2019, least ambiguous sets.
    """
    order = np.argsort(-row, kind="stable")
    return order[: max(1, int((row >= limit).sum()))]


def _call(
    row: npt.NDArray[np.float64],
    as_learnt: npt.NDArray[np.float64],
    model: LoadedModel,
    calibration: Calibration,
    uncertainty: Uncertainty | None = None,
    *,
    may_be_empty: bool = False,
) -> WbcCall:
    classes = model.card_as(WhiteCellCard).classes
    wide = prediction_set(row, calibration.wide_limit)
    chosen = prediction_set(row, calibration.set_limit)
    if may_be_empty:
        chosen = classes_above(row, calibration.set_limit)
    best = int(wide[0])
    label = classes[best]
    probabilities = {name: float(p) for name, p in zip(classes, row, strict=True)}
    shown = tuple(classes[i] for i in wide)
    return WbcCall(
        label=label,
        probability=float(row[best]),
        probabilities=probabilities,
        prediction_set=tuple(classes[i] for i in chosen),
        abstained=_surety(label, probabilities, calibration) < calibration.abstain_below,
        model=model.identity,
        flags=_critical(
            label,
            dict(zip(classes, as_learnt, strict=True)),
            model.card_as(WhiteCellCard).critical_classes,
            uncertainty,
        ),
        wide_set=shown,
        reported_as=reported_as(label, shown),
    )


def _surety(label: str, probabilities: dict[str, float], calibration: Calibration) -> float:
    """What is compared with the limit of abstention: the probability of the class or its parent.

    Abroad, segmented against band says little, and a neutrophil that is surely one is worth saying.
    """
    if not calibration.abstain_by_parent:
        return probabilities[label]
    parent = parent_of(label)
    return sum(p for name, p in probabilities.items() if parent_of(name) == parent)


def _elsewhere(
    logits: npt.NDArray[np.float32], model: LoadedModel, uncertainty: Uncertainty
) -> SetsElsewhere:
    """What the limits for unfamiliar cells give for a familiar one.

    The class stays: the logits are the same, and a temperature does not change their order.
    """
    calibration = calibration_of(model, uncertainty, unfamiliar=True)
    row = as_probabilities(logits[None], calibration.temperature)[0]
    call = _call(row, row, model, calibration)
    return SetsElsewhere(
        probability=call.probability,
        probabilities=call.probabilities,
        prediction_set=call.prediction_set,
        wide_set=call.wide_set,
        reported_as=call.reported_as,
        abstained=call.abstained,
    )


def _critical(
    label: str,
    as_learnt: dict[str, float],
    critical: frozenset[str],
    uncertainty: Uncertainty | None,
) -> tuple[Flag, ...]:
    """The critical flag: by the class, or by the rule's limit, which is set for sensitivity.

    The rule reads the probabilities ``as_learnt``: weighing makes a rare class rarer, and must not
    hide the one that counts most. The sentence carries no number: the screen shows the weighed
    probabilities, and the rule's would contradict them.
    """
    if label in critical:
        words = f"{title(label)}: critical, a person must look at this cell."
        return (Flag("critical_cell", words),)
    share = critical_probability(as_learnt, critical)
    likeliest = max(as_learnt, key=lambda name: as_learnt[name])
    if uncertainty is not None and (
        share >= uncertainty.card.critical.limit or likeliest in critical
    ):
        words = "Immature or blast, look: a person must look at this cell, which is critical."
        return (Flag("critical_cell", words),)
    return ()


def classify(field: Field, locator: LoadedModel, classifier: LoadedModel) -> WbcCall:
    """Class of the one cell of a single-cell picture.

    The cell is located first, so that any framing is brought to what the classifier learnt; where
    none is found the middle of the picture is taken and the flag ``cell_not_found`` says so.
    """
    crop, found = single_cell_crop(field, locator)
    call = call_crops([crop], classifier)[0]
    flags = [*assess(field), *call.flags]
    if not found:
        flags.append(
            Flag(
                "cell_not_found",
                "No cell was found in the middle of the picture; the whole picture was read.",
            )
        )
    return replace(call, abstained=call.abstained or not found, flags=tuple(flags))
