"""One training of the learning curve: a head on frozen features."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from core.datasets.intake.fields import CountedField
from core.models.density import DensityCounter
from core.models.regressor import CountRegressor
from core.studies.papers.counts_setting import REDUCED
from core.taxonomy import KINDS
from core.training.counts.data import CountingSplit, WholeFields
from core.training.counts.density import DensityRecipe
from core.training.counts.density_data import DensityFields
from core.training.counts.recipe import RegressionRecipe
from core.training.loop.averaging import WeightAverage
from core.training.loop.recipe import Batch
from core.training.loop.settings import LoopSettings
from core.training.loop.train import rate_at
from core.training.presets import recipe_info

Counts = npt.NDArray[np.float64]
Counter = CountRegressor | DensityCounter

LOOPS: Final[dict[str, LoopSettings]] = {
    "plain": REDUCED,
    "map": recipe_info("counts").preset("shipped").settings,
}
"""Batch size, rate, decay and averaging of each counter; the epochs are replaced by ``Plan``."""


@dataclass(frozen=True)
class Plan:
    """Which trainings. Ranges are checked on construction (ValueError).

    ``sizes`` are numbers of labelled fields, the smaller sets parts of the larger; each size is
    also trained with ``drawn`` synthetic fields added. Every training has the same number of
    ``steps``, so that small sets are not also trained for a shorter time. Validation runs every
    ``check_every`` steps and the best step is used.
    """

    sizes: tuple[int, ...] = (25, 50, 100, 300)
    drawn: int = 200
    seed: int = 0
    steps: int = 600
    check_every: int = 20

    def __post_init__(self) -> None:
        if not self.sizes or min(self.sizes) < 1:
            raise ValueError("sizes must be whole numbers from 1, such as 25,50,100,300")
        if self.drawn < 0 or self.seed < 0 or not 1 <= self.check_every <= self.steps:
            raise ValueError(f"not a plan: {self}")


class HeadTrainer:
    """Trains heads of one counter on subsets of the fields, whose features are computed once."""

    def __init__(
        self,
        counter: str,
        split: CountingSplit,
        test: Sequence[CountedField],
        plan: Plan,
        pretrained: bool,
    ) -> None:
        self._loop, self._plan = LOOPS[counter], plan
        torch.manual_seed(plan.seed)  # a backbone that is not pretrained is drawn here
        self._recipe: RegressionRecipe | DensityRecipe
        if counter == "plain":
            self._recipe = RegressionRecipe(
                split, "mobilenet_v2", hidden=64, pretrained=pretrained, reduced=True
            )
            self._test = [WholeFields(test, self._recipe.build()).inputs]
        else:
            self._recipe = DensityRecipe(split, plan.seed, pretrained)
            plain = DensityFields(test, self._recipe.build(), plan.seed, mirrored=False)
            self._test = [ways[0][None].float() for ways in plain.features]
        self._examples = self._recipe.training_set()

    def trained(self, chosen: Sequence[int]) -> tuple[Counter, int, float]:
        """Train on the examples with these indices.

        Returns:
            The network at its best step by validation, that step, and its mean absolute error on
            the validation fields in cells a field.
        """
        plan, loop = self._plan, self._loop
        torch.manual_seed(plan.seed)
        model, averaged = self._recipe.build(), self._recipe.build()
        averaged.load_state_dict(model.state_dict())
        model.train()
        averaged.eval()
        average = WeightAverage(averaged.head, model.head)
        optimizer = torch.optim.AdamW(
            model.head.parameters(), lr=loop.learning_rate, weight_decay=loop.weight_decay
        )
        shown = batches(self._examples, chosen, loop.batch_size, plan.seed)
        best, best_step, best_state = float("inf"), 0, averaged.head.state_dict()
        for step, batch in enumerate(islice(shown, plan.steps)):
            for parameters in optimizer.param_groups:
                parameters["lr"] = rate_at(step, plan.steps, loop)
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=loop.bfloat16):
                loss = self._recipe.loss(model, batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.head.parameters(), 10.0)
            optimizer.step()
            average.follow(min(loop.averaging, (1 + step) / (10 + step)))
            if (step + 1) % plan.check_every == 0:
                error = self._recipe.validate(averaged)["mae_sum"] / len(KINDS)
                if error < best:
                    best, best_step = error, step + 1
                    best_state = {k: v.clone() for k, v in averaged.head.state_dict().items()}
        averaged.head.load_state_dict(best_state)
        return averaged, best_step, best

    @torch.no_grad()
    def counts_of(self, model: Counter) -> Counts:
        """Counts of the test fields, ``(fields, 3)``, clipped at 0 as at inference."""
        if isinstance(model, DensityCounter):
            parts = [model.head(features).sum(dim=(2, 3)) for features in self._test]
        else:
            parts = [model.counts_of(features) for features in self._test]
        return np.maximum(torch.cat(parts).double().numpy(), 0.0)


def batches(
    examples: Dataset[Batch], chosen: Sequence[int], size: int, seed: int
) -> Iterator[dict[str, Tensor]]:
    """Endless batches; every field appears once before any appears again."""

    def keys() -> Iterator[tuple[int, int]]:
        for epoch in count():
            rng = np.random.default_rng((seed, epoch))
            yield from ((epoch, chosen[int(i)]) for i in rng.permutation(len(chosen)))

    endless = keys()
    while True:
        yield default_collate([examples[key] for key in islice(endless, size)])
