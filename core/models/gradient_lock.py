"""The lock for hooks and gradients on a model that several threads share."""

import threading
from typing import Final

gradient_lock: Final = threading.Lock()
"""Hold it while hooks or gradients are on a shared model.

grad-cam registers its hooks on the module itself, so two maps made at once would read each other's
activations."""
