"""Weights between those at the start and those trained."""

import torch
from torch import nn

from core.training.loop.averaging import interpolate_towards


def net(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))


def test_a_share_of_the_weights_begun_with_is_kept():
    start, trained = net(0), net(1)
    before, after = (one.state_dict()["0.weight"].clone() for one in (start, trained))
    trained.state_dict()["1.num_batches_tracked"] += 7
    interpolate_towards(start, trained, 1 / 3)
    found = trained.state_dict()
    assert torch.allclose(found["0.weight"], before / 3 + after * 2 / 3)
    assert found["1.num_batches_tracked"] == 7
    assert torch.equal(start.state_dict()["0.weight"], before)


def test_nothing_is_kept_unless_asked():
    trained = net(1)
    after = {name: value.clone() for name, value in trained.state_dict().items()}
    interpolate_towards(net(0), trained, 0.0)
    assert all(torch.equal(value, after[name]) for name, value in trained.state_dict().items())
