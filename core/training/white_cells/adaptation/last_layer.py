"""The last layer fitted anew to a few cells, held near what it was by the cells it came from."""

from collections.abc import Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from core.inference.white_cell.hierarchy import CHILDREN

NEW_WEIGHT: Final = 0.3
HELD: Final = 0.1
"""Penalty on the squared move of the last layer; chosen on the CBC training fields' cells."""

_STEPS: Final = 60


class AdaptRefused(ValueError):
    """An adaptation that cannot be made; the message says what is missing."""


def fit_last_layer(
    layer: torch.nn.Linear,
    known: tuple[Tensor, Tensor],
    new: tuple[Tensor, Tensor],
    new_weight: float = NEW_WEIGHT,
    held: float = HELD,
) -> tuple[Tensor, Tensor]:
    """Weight and bias after the fit; the layer itself stays as it is.

    Args:
        layer: where to begin, and what to stay close to.
        known: features ``(N, width)`` and classes ``(N,)`` of the original training cells.
        new: features ``(M, width)`` and which classes are right, ``(M, classes)`` boolean: all
            children where only the parent is known.
        new_weight: weight of the new cells' mean loss beside the known ones'.
        held: penalty on the squared move of weight and bias.
    """
    start = layer.weight.detach().clone(), layer.bias.detach().clone()
    weight, bias = (part.clone().requires_grad_() for part in start)
    allowed = new[1]
    # Every class counts alike, however many of its cells there were; a neutrophil is one class.
    kinds = [tuple(row) for row in allowed.tolist()]
    share = torch.tensor([1 / kinds.count(kind) for kind in kinds])
    share = share / share.sum()
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        old = F.cross_entropy(known[0] @ weight.T + bias, known[1], label_smoothing=0.03)
        predicted = F.log_softmax(new[0] @ weight.T + bias, dim=1)
        right = torch.logsumexp(predicted.masked_fill(~allowed, -1e9), dim=1)
        moved = (weight - start[0]).square().sum() + (bias - start[1]).square().sum()
        total = old - new_weight * (share * right).sum() + held * moved
        total.backward()
        return total

    optimiser.step(loss)
    return weight.detach(), bias.detach()


def allowed_classes(labels: Sequence[str], classes: Sequence[str]) -> Tensor:
    """Which classes are right for each label, ``(N, classes)``: all children of a parent.

    Raises:
        AdaptRefused: for a label of which the network has no class.
    """
    rows = []
    for label in labels:
        right = {label, *CHILDREN.get(label, ())}
        rows.append([name in right for name in classes])
        if not any(rows[-1]):
            raise AdaptRefused(
                f"the live model does not know {label.replace('_', ' ')}; train a model that does "
                "on the screen Fine-tune"
            )
    return torch.tensor(rows)
