"""The white-cell recipe as a screen shows it: presets and options. Loads no network library."""

from typing import Final

from core.taxonomy import WBC_CLASSES
from core.training.choices import (
    AUGMENTATIONS,
    BACKBONES,
    CLASS_WEIGHTS,
    FOLDS,
    FROZEN,
    KEEP_START,
    LABORATORIES,
    LOSSES,
    MIXUP,
    REHEARSAL,
    SAMPLERS,
    STARTS,
)
from core.training.loop.settings import LoopSettings
from core.training.paper_settings import PAPER_CLASSIFIER
from core.training.recipe_info import Preset, RecipeInfo

INFO: Final = RecipeInfo(
    "wbc",
    "Class of a white cell",
    "accuracy",
    "Accuracy on validation cells",
    True,
    (
        Preset(
            "shipped",
            "The first step of the shipped classifier: PBC alone, from ImageNet.",
            LoopSettings(
                epochs=14, batch_size=64, learning_rate=1e-3, patience=14, averaging=0.999
            ),
        ),
        Preset(
            "three laboratories",
            "The last step of the shipped classifier: on from the live one, with cells of "
            "three other laboratories beside PBC's.",
            LoopSettings(
                epochs=22,
                batch_size=48,
                learning_rate=5e-4,
                warmup_steps=60,
                patience=22,
                averaging=0.998,
            ),
            {"start": "live", "layout": "three laboratories", "enlarged_px": "192"},
        ),
        Preset(
            "laboratories",
            "A short schedule with the cells of all known laboratories beside PBC's; the "
            "option leave_out keeps one of them away.",
            LoopSettings(
                epochs=2,
                batch_size=48,
                learning_rate=5e-4,
                warmup_steps=40,
                patience=2,
                averaging=0.98,
            ),
            {"start": "live", "layout": "laboratories"},
        ),
        Preset(
            "fine-tune",
            "A gentle continuation of the live model on a laboratory's own cells.",
            LoopSettings(
                epochs=10,
                batch_size=16,
                learning_rate=2e-4,
                warmup_steps=20,
                patience=5,
                averaging=0.98,
            ),
            {"start": "live", "layout": "folders"},
        ),
        Preset(
            "published backbone",
            "As published for the backbone: Adam, cross-entropy, batch 32, learning rate 1e-4 "
            "held constant, AutoAugment, patience 20 on validation accuracy.",
            PAPER_CLASSIFIER,
            {"augmentation": "autoaugment"},
        ),
        Preset(
            "published classifier",
            "As published for the classifier of white cells: Adam, cross-entropy, flips and "
            "rotation. Batch, rate and epochs are not published: the backbone's are taken.",
            PAPER_CLASSIFIER,
            {"augmentation": "published"},
        ),
    ),
    {
        "start": STARTS,
        "layout": (
            "pbc",
            "folders",
            "three laboratories",
            "verified cells",
            "bodzas",
            "raabin",
            "laboratories",
        ),
        "leave_out": ("none", *LABORATORIES),
        "enlarged_px": ("no", "160", "192", "224"),
        "keep_start": tuple(KEEP_START),
        "backbone": BACKBONES,
        "frozen": FROZEN,
        "augmentation": AUGMENTATIONS,
        "class_weights": CLASS_WEIGHTS,
        "sampler": SAMPLERS,
        "loss": LOSSES,
        "mixup": tuple(MIXUP),
        "rehearsal": REHEARSAL,
        "fold": FOLDS,
    },
    named=WBC_CLASSES,
)
