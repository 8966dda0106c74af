"""A trained classifier becomes a model: its calibration from validation, and its card."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch

from core.datasets.fields import read_rgb
from core.datasets.public.pbc import LabelledCell
from core.models.cards import (
    CellClassifierArchitecture,
    CellData,
    CellValidation,
    OwnClass,
    WhiteCellCard,
)
from core.models.classifier import CellClassifier
from core.models.weights import LoadedModel, save_model
from core.statistics.calibration import (
    abstention_limit,
    as_probabilities,
    best_temperature,
    expected_calibration_error,
    reliability,
    set_limit,
)
from core.statistics.classes import confusion
from core.taxonomy import WBC_CLASSES, parent_of, reader_class, right_answers, title
from core.training.card_facts import origin_of
from core.training.loop.settings import LoopSettings
from core.training.white_cells.cell_examples import as_input, centre_crop

PBC_LICENCE = "MIT; trained on PBC (CC BY 4.0, Acevedo et al. 2019)"
_LICENCES = {
    "cbc": "CBC (MIT)",
    "txl": "TXL-PBC (MIT)",
    "deepbionet": "DeepBioNet (Shams et al. 2024, public, no licence file, to be cited)",
    "munich": "the Munich AML-Cytomorphology support set (CC BY 3.0)",
}


def foreign_licence(laboratories: Sequence[str]) -> str:
    """Licence of a model that learnt from these laboratories beside PBC."""
    return ", ".join((PBC_LICENCE, *(_LICENCES[name] for name in laboratories)))


@torch.no_grad()
def export_white_cells(
    module: CellClassifier,
    validation: Sequence[LabelledCell],
    settings: LoopSettings,
    data: CellData,
    target: Path,
    licence: str = PBC_LICENCE,
) -> LoadedModel:
    """Save a classifier; temperature, conformal limit and abstention come from ``validation``.

    A cell of which only the parent is known (neutrophil) is judged by the likeliest of the
    parent's classes: the figures then say whether the parent is right.
    """
    known = {*module.classes, *map(parent_of, module.classes)}
    cells = [cell for cell in validation if cell.label in known and not cell.odd_background]
    right = np.array([right_answers(str(cell.label), module.classes) for cell in cells])
    logits = np.concatenate(
        [
            module(
                torch.stack([as_input(centre_crop(read_rgb(c.path))) for c in cells[i : i + 64]])
            ).numpy()
            for i in range(0, len(cells), 64)
        ]
    )
    labels = np.where(right, logits, -np.inf).argmax(axis=1)
    undivided = {str(cell.label) for cell in cells} - {*module.classes}
    temperature = best_temperature(logits, labels)
    probabilities = as_probabilities(logits, temperature)
    card = WhiteCellCard(
        architecture=CellClassifierArchitecture(
            backbone=module.backbone,
            classes=module.classes,
            network_px=module.network_px,
        ),
        temperature=temperature,
        set_limit=set_limit(probabilities, labels),
        abstain_below=abstention_limit(probabilities, labels),
        validation=CellValidation(
            cells=len(cells),
            accuracy=float((probabilities.argmax(1) == labels).mean()),
            expected_calibration_error=expected_calibration_error(probabilities, labels),
            confusion=tuple(
                tuple(int(count) for count in row)
                for row in confusion(
                    [module.classes[i] for i in labels],
                    [module.classes[i] for i in probabilities.argmax(1)],
                    module.classes,
                )
            ),
            reliability=tuple(reliability(probabilities, labels)),
        ),
        intended_use="Class of single white cells of stained blood smears. "
        "Research use, a qualified person decides.",
        limits=_limits_of_wbc(module.classes, undivided, foreign=bool(data.foreign_cells)),
        licence=licence,
        data=data,
        **origin_of(settings),
    )
    own = _own_classes(module.classes)
    return save_model(target, module, card.model_copy(update={"own_classes": own}) if own else card)


def _own_classes(classes: Sequence[str]) -> tuple[OwnClass, ...]:
    """What a model's classes beside the shipped ones mean."""
    own = [one for one in map(reader_class, classes) if one is not None]
    return tuple(
        OwnClass(
            label=one.label,
            title=one.title,
            parent=one.model_class or "",
            critical=one.critical,
            leukocyte=one.leukocyte,
            code=one.code,
            code_system=one.code_system,
        )
        for one in own
    )


def _limits_of_wbc(classes: Sequence[str], undivided: Collection[str], foreign: bool) -> str:
    rare = [name for name in ("blast", "smudge") if name in classes]
    unknown = [name for name in ("blast", "smudge") if name not in classes]
    learnt = "mostly from one laboratory, with a few cells of others" if foreign else ""
    # Reactive and atypical lymphocytes are two words for one thing.
    atypical = any("atypical" in name or "reactive" in name for name in classes)
    unknown = [*([] if atypical else ["atypical_lymphocyte"]), *unknown]
    text = f"Learnt {learnt or 'from one laboratory'}."
    if unknown:
        text += f" It does not know {' or '.join(title(n).lower() + 's' for n in unknown)}."
    own = [title(name).lower() for name in classes if name not in WBC_CLASSES]
    if own:
        text += f" {', '.join(own).capitalize()}: learnt from this laboratory's cells alone."
    if rare:
        named = " and ".join(title(name).lower() + "s" for name in rare)
        text += f" It has seen few {named}: low evidence, a person must look for them."
    for parent in sorted(undivided):
        kinds = " and ".join(title(c).lower() for c in classes if parent_of(c) == parent)
        text += f" Of some {parent}s nobody said which they are: no figure tells {kinds} apart."
    return text
