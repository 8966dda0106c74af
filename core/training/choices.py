"""Values that a recipe's options may have. Loads no network library: a screen can ask it."""

from typing import Final, get_args

from core.models.cards.architecture import CellBackbone

BACKBONES: Final = get_args(CellBackbone)

STARTS: Final = ("imagenet", "live", "random")

FROZEN: Final = ("nothing", "half", "backbone")
"""What is not trained: nothing, the first half of the weights' tensors, all but the last layer."""

AUGMENTATIONS: Final = ("stains", "published", "autoaugment", "none")
"""``stains``: turned, moved, restained; ``published``: flips and rotation only; ``autoaugment``:
the ImageNet policy of Cubuk 2019; ``none``: every epoch sees the same pictures."""

CLASS_WEIGHTS: Final = ("none", "balanced")
SAMPLERS: Final = ("every cell once", "balanced")
"""``balanced``: as many cells are drawn of each class, the rare ones several times an epoch."""

LOSSES: Final = ("cross-entropy", "focal")
"""``focal``: cells that are right already count little (Lin 2017, gamma 2)."""

MIXUP: Final = {"no": 0.0, "a little": 0.2, "more": 0.4}
"""Alpha of mixup (Zhang 2018): pictures are blended in pairs, and both answers asked for."""

STAINS: Final = ("strong", "mild")

KEEP_START: Final = {"no": 0.0, "a quarter": 0.25, "a third": 1 / 3, "a half": 0.5}
"""Share of the weights a training began with that its model keeps (Wortsman 2022, WiSE-FT)."""

LABORATORIES: Final = ("cbc", "txl", "deepbionet", "munich")
"""Laboratories beside PBC's that white cells are learnt from."""

REHEARSAL: Final = ("with own classes", "always", "no")
"""When a laboratory's cells are learnt beside cells of the classes that the start knows: where
they bring a class that it does not know, always, or never."""

FOLD_NUMBERS: Final = (3, 5, 10)
FOLDS: Final = ("no", *(f"{fold} of {of}" for of in FOLD_NUMBERS for fold in range(1, of + 1)))
"""Which part of a laboratory's own cells is the test part: the set's own, or a fold of several."""
