"""Prepare a training of the paper's palm CNN, split by session block and photo group."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torch import nn

from core.datasets.public.ghana_palms import load, usable
from core.datasets.public.palm_splits import folds
from core.models.cards import PalmCnnArchitecture, PalmCnnCard, PalmCnnValidation, PalmData
from core.models.paper_palm_cnn import PaperPalmCnn
from core.models.weights import LoadedModel, save_model
from core.store.run_records import TrainingFacts
from core.training.card_facts import data_hash
from core.training.job import PreparedTraining
from core.training.loop.settings import LoopSettings
from core.training.palm.recipe import PalmRecipe, Target


def prepare(
    data: Path, settings: LoopSettings, options: Mapping[str, Any], folder: Path
) -> PreparedTraining:
    """Split the photos; a fifth of the session blocks is held out for validation.

    Args:
        data: the set itself, or a folder with ``palm/`` in it.
        settings: of the loop; its seed chooses the blocks.
        options: ``target`` (anemic or haemoglobin) and ``size`` (width x height in pixels).
        folder: of the run; nothing is written there.

    Raises:
        FileNotFoundError: if there is no table or a photo is missing.
        ValueError: if there are too few session blocks, or a photo lacks what is learnt.
    """
    target: Target = "haemoglobin" if options.get("target") == "haemoglobin" else "anemic"
    width, height = (int(side) for side in str(options.get("size", "250x188")).split("x"))
    root = data if (data / "labels.csv").is_file() else data / "palm"
    photos = usable(load(root))
    if target == "haemoglobin":
        photos = [photo for photo in photos if photo.haemoglobin_g_dl is not None]
        if len(photos) < 10:
            raise ValueError(f"{root}: {len(photos)} photos with haemoglobin are too few to learn")
    split = next(folds(photos, 5, settings.seed))
    train, validation = ([photos[i] for i in part] for part in (split.learn, split.held_out))
    digest = data_hash([photo.path for photo in train])
    ill = sum(bool(photo.anemic) for photo in validation)
    facts: TrainingFacts = {
        "training": len(train),
        "validation": len(validation),
        "baseline": 0.5,
        "baseline_title": "chance",
        "started_from": "random",
    }

    def export(trained: nn.Module, path: Path) -> LoadedModel:
        assert isinstance(trained, PaperPalmCnn)
        card = PalmCnnCard(
            architecture=PalmCnnArchitecture(width=width, height=height),
            target=target,
            validation=PalmCnnValidation(photos=len(validation), anemic=ill),
            intended_use="The published CNN on palm photos, for comparison. It gives no "
            "verdicts on the screen. Research use, a qualified person decides.",
            limits="Learnt from the photos named below; knows their light.",
            licence="the photos' own",
            data=PalmData(
                set=f"{root.name}, one fold of session blocks", photos=len(photos), sha256=digest
            ),
            seed=settings.seed,
            made=datetime.now(UTC).date().isoformat(),
        )
        return save_model(path, trained, card)

    recipe = PalmRecipe(train, validation, (width, height), target, settings.seed)
    return PreparedTraining(recipe, digest, facts, export)
