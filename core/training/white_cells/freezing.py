"""Which weights of a network a training leaves as they are."""

from torch import nn

from core.training.choices import FROZEN


def freeze(model: nn.Module, last: nn.Module, how: str) -> None:
    """Take the gradients from the weights that stay; running statistics still follow the data.

    Args:
        model: the network, its parameters in the order they are passed through.
        last: its last layer, which is always learnt.
        how: one of ``FROZEN``.

    Raises:
        ValueError: for another word.
    """
    if how not in FROZEN:
        raise ValueError(f"frozen must be one of {', '.join(FROZEN)}, got {how!r}")
    parameters = list(model.parameters())
    count = {"nothing": 0, "half": len(parameters) // 2, "backbone": len(parameters)}[how]
    for parameter in parameters[:count]:
        parameter.requires_grad = False
    for parameter in last.parameters():
        parameter.requires_grad = True
