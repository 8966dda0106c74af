"""Where the palm classifier found evidence, and whether that map is faithful."""

from dataclasses import dataclass

from torch import Tensor, nn

from core.explain.faithfulness import Faithfulness, check_map
from core.explain.gradcam import grad_cam
from core.explain.heat import HeatMap
from core.models.palm_classifier import PALM_PX, PalmClassifier
from core.models.weights import LoadedModel
from core.records import RgbImage


@dataclass(frozen=True)
class PalmMap:
    """A map over the crop as the network read it, ``(224, 224)`` in [0, 1], and its check."""

    heat: HeatMap
    trial: Faithfulness


class _Evidence(nn.Module):
    """Logit of the first head, negated to explain the other side: grad-cam needs one output."""

    def __init__(self, palm: PalmClassifier, sign: float) -> None:
        super().__init__()
        self.palm, self.sign = palm, sign

    def forward(self, images: Tensor) -> Tensor:
        return self.sign * self.palm(images)[0][:, :1]


def explain_palm(square: RgbImage, model: LoadedModel, *, against: bool = False) -> PalmMap:
    """Map of the evidence for anemia, or ``against`` it.

    Args:
        square: ``(224, 224, 3)``, the first of :func:`core.inference.palm.crop.views`.
        model: the palm model.
        against: explain the evidence against anemia instead.

    Raises:
        ValueError: for another size.
    """
    if square.shape != (PALM_PX, PALM_PX, 3):
        raise ValueError(f"needs a square of {PALM_PX} pixels, got {square.shape}")
    module = model.module
    assert isinstance(module, PalmClassifier)
    evidence = _Evidence(module, -1.0 if against else 1.0).eval()
    heat = _map(evidence, square)
    trial = check_map(
        heat,
        square,
        evidence,
        score=lambda out: out[:, 0],
        last=module.last_layer(),
        map_of=lambda copy: _map(copy, square),
    )
    return PalmMap(heat, trial)


def _map(evidence: nn.Module, square: RgbImage) -> HeatMap:
    assert isinstance(evidence, _Evidence)

    def target(out: Tensor) -> Tensor:
        return out.reshape(-1)[0] if out.ndim else out

    return grad_cam(evidence, evidence.palm.last_map(), square, target)
