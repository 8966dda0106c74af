import numpy as np
import pytest
import torch
from torch import nn

from core.models.foundation import (
    foundation_features,
    install_foundation,
    installed_foundation,
)
from core.models.foundation_models import FOUNDATION_MODELS, FoundationModel
from core.models.vision_transformer import VisionTransformer
from core.models.weights import WeightsRefused

DINOBLOOM = FOUNDATION_MODELS["dinobloom-s"]


def small():
    torch.manual_seed(0)
    network = VisionTransformer(width=24, depth=2, heads=3)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.2)
    return network.eval()


def test_its_tensors_have_the_names_and_sizes_of_the_authors_file():
    state = VisionTransformer(DINOBLOOM.width, DINOBLOOM.depth, DINOBLOOM.heads).state_dict()
    # DINOv2's ViT-S/14 at 224 pixels, as facebookresearch/dinov2 and marrlab/DinoBloom name them.
    assert state["pos_embed"].shape == (1, 257, 384)
    assert state["patch_embed.proj.weight"].shape == (384, 3, 14, 14)
    of_block = {name.removeprefix("blocks.11.") for name in state if name.startswith("blocks.11.")}
    pairs = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
    expected = {f"{name}.{end}" for name in pairs for end in ("weight", "bias")}
    assert of_block == expected | {"ls1.gamma", "ls2.gamma"}
    assert {"cls_token", "mask_token", "norm.weight", "norm.bias"} <= set(state)
    assert len(state) == 175


def test_attention_is_that_of_torchs_own_layer():
    block = small().blocks[0]
    attention = block.attn
    oracle = nn.MultiheadAttention(24, 3, batch_first=True)
    oracle.load_state_dict(
        {
            "in_proj_weight": attention.qkv.weight,
            "in_proj_bias": attention.qkv.bias,
            "out_proj.weight": attention.proj.weight,
            "out_proj.bias": attention.proj.bias,
        }
    )
    tokens = torch.randn(2, 5, 24)
    expected = oracle(tokens, tokens, tokens, need_weights=False)[0]
    torch.testing.assert_close(attention(tokens), expected)


def test_layer_scale_at_zero_leaves_the_first_token_and_its_position():
    network = small()
    for block in network.blocks:
        nn.init.zeros_(block.ls1.gamma)
        nn.init.zeros_(block.ls2.gamma)
    token = network.cls_token[0, 0] + network.pos_embed[0, 0]
    expected = network.norm(token)
    torch.testing.assert_close(network(torch.rand(1, 3, 224, 224))[0], expected)


def test_other_sizes_read_positions_between_the_stored_ones():
    network = small()
    with torch.no_grad():
        # A constant has the same value between the stored places as at them.
        network.pos_embed[:, 1:] = 0.7
    assert torch.allclose(network._positions(8, 20)[:, 1:], torch.tensor(0.7))
    assert network(torch.rand(2, 3, 112, 280)).shape == (2, 24)
    with pytest.raises(ValueError, match="multiples of 14"):
        network(torch.rand(1, 3, 224, 225))


TINY = FoundationModel(
    name="dinobloom-s",
    address="http://127.0.0.1/none",
    page="a page",
    citation="Somebody 2024",
    licence="a licence",
    size_mb=1,
    sha256=None,
    sha256_from="nobody",
    width=24,
    depth=2,
    heads=3,
)


def authors_file(path, network=None, **more):
    """As the authors save it: the teacher's state, with the heads of its training."""
    state = {f"backbone.{name}": value for name, value in (network or small()).state_dict().items()}
    state["dino_head.mlp.0.weight"] = torch.zeros(3, 3)
    torch.save({"teacher": {**state, **more}}, path)
    return path


def test_absent_it_is_absent(own_var):
    assert installed_foundation() is None


def test_installed_it_gives_the_features_of_the_authors_weights(own_var, tmp_path, monkeypatch):
    monkeypatch.setitem(FOUNDATION_MODELS, "dinobloom-s", TINY)
    install_foundation(TINY, authors_file(tmp_path / "a.pth"), "http://there")
    installed = installed_foundation()
    assert installed is not None and installed.path.suffix == ".safetensors"
    crops = [np.full((128, 128, 3), value, np.uint8) for value in (40, 200)]
    features = foundation_features(crops, installed)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    plain = (np.array([40, 200])[:, None] / 255 - mean) / std
    images = torch.tensor(plain, dtype=torch.float32)[:, :, None, None].expand(2, 3, 224, 224)
    with torch.no_grad():
        np.testing.assert_allclose(features, small()(images).numpy(), atol=1e-4)
    installed.path.write_bytes(installed.path.read_bytes() + b"x")
    with pytest.raises(WeightsRefused, match="not the file that was fetched"):
        installed_foundation()


class _Runs:
    """What unpickling would run."""

    def __reduce__(self):
        return (print, ("it ran",))


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda path: path.write_bytes(b"not a file of weights"), "no file of plain weights"),
        (lambda path: torch.save({"student": {}}, path), "no weights under the name teacher"),
        (lambda path: torch.save({"teacher": _Runs()}, path), "no file of plain weights"),
        (
            lambda path: authors_file(path, VisionTransformer(width=12, depth=2, heads=3)),
            "does not hold the network dinobloom-s",
        ),
        (lambda path: authors_file(path, **{"backbone.more": torch.zeros(2)}), "does not hold"),
        (lambda path: authors_file(path, **{"backbone.text": "a"}), "which is no tensor"),
    ],
)
def test_another_file_is_refused_and_nothing_is_run(own_var, tmp_path, capsys, write, words):
    write(tmp_path / "a.pth")
    with pytest.raises(WeightsRefused, match=words):
        install_foundation(TINY, tmp_path / "a.pth", "http://there")
    assert "it ran" not in capsys.readouterr().out
    assert installed_foundation() is None
