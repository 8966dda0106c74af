"""The lock that every use of hooks or gradients on a shared model takes."""

import threading
from typing import Final

gradient_lock: Final = threading.Lock()
"""Held while hooks or gradients are on a model that other threads use too: grad-cam registers its
hooks on the module itself, so two maps made at once would read each other's activations."""
