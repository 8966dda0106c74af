"""Settings of a training as the papers that are repeated here print them."""

from dataclasses import replace
from typing import Final

from core.training.loop.settings import LoopSettings

PAPER_CLASSIFIER: Final = LoopSettings(
    epochs=200,
    batch_size=32,
    learning_rate=1e-4,
    weight_decay=0.0,
    warmup_steps=0,
    patience=20,
    averaging=0.0,
    schedule="constant",
    optimizer="adam",
)
"""Adinugroho 2025, the backbone: Adam, a constant rate, the best epoch by validation."""

PAPER_REGRESSOR: Final = replace(PAPER_CLASSIFIER, learning_rate=1e-5)
"""The same work, the whole model."""
