"""Export a trained classifier of red-cell shapes with its limits and figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from core.models.cards import CellData, RedCellArchitecture, RedCellCard
from core.models.red_cell import RedCellClassifier
from core.models.weights import LoadedModel, save_model
from core.training.card_facts import origin_of
from core.training.loop.settings import LoopSettings
from core.training.red_cells.cross_validation import HeldOut
from core.training.red_cells.figures import on_other_slides
from core.training.red_cells.labelled_cells import OVERLAP_ABOVE
from core.training.red_cells.limits import fit_limits
from core.training.red_cells.other_laboratories import ElsewhereCells
from core.training.red_cells.recipe import logits_of


def export_red_cells(
    module: RedCellClassifier,
    held_out: HeldOut,
    chosen_on: Sequence[ElsewhereCells],
    left_out: Mapping[str, int],
    settings: LoopSettings,
    data: CellData,
    target: Path,
) -> LoadedModel:
    """Save the classifier.

    Args:
        module: learnt from all slides.
        held_out: answers of the networks that each saw two thirds of the slides: temperature,
            limits and figures are theirs.
        chosen_on: other laboratories' cells, on which the limits of the suspect shapes are chosen.
        left_out: labelled centres that nothing is learnt from, by reason.
        settings: of the training, for the card.
        data: facts about the training data, for the card.
        target: file to write, ends in ``.safetensors``.
    """
    module.eval()
    elsewhere = [logits_of(module, list(one.crops)) for one in chosen_on if len(one.crops)]
    limits = fit_limits(module.classes, held_out.logits, held_out.truth, elsewhere)
    card = RedCellCard(
        architecture=RedCellArchitecture(classes=module.classes),
        temperature=limits.temperature,
        abstain_below=limits.abstain_below,
        least_probability=limits.least_probability,
        overlap_above=OVERLAP_ABOVE,
        intended_use="Proposed shapes of located red cells, for a person to confirm or change. "
        "Research use, a qualified person decides.",
        limits="Learnt from the slides of one laboratory and one camera. Sickle cells, "
        "inclusions and polychromasia are not known to it. Sizes are relative to the field's own "
        "cells, so a field of macrocytes only looks normal.",
        licence="MIT (Chula RBC-12, Naruenatthanaset et al. 2021)",
        data=data,
        **origin_of(settings),
    )
    figures = on_other_slides(held_out, card, left_out)
    measured = card.with_evaluation({"other_slides": figures})
    return save_model(target, module, measured)
