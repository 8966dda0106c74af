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
from core.settings import settings as site_settings
from core.store.run_records import TrainingFacts
from core.training.card_facts import data_hash
from core.training.intakes import read_own
from core.training.job import PreparedTraining
from core.training.loop.settings import LoopSettings
from core.training.palm.recipe import PalmRecipe, Target


def prepare(
    data: Path, settings: LoopSettings, options: Mapping[str, Any], folder: Path
) -> PreparedTraining:
    """Train and validation of a set of one's own; of the public one a fifth of the session blocks.

    Args:
        data: a set of one's own, or the folder of the public sets with ``palm/`` in it.
        settings: of the loop; its seed chooses the blocks.
        options: ``target`` (anemic or haemoglobin) and ``size`` (width x height in pixels).
        folder: of the run; nothing is written there.

    Raises:
        FileNotFoundError: if a photo of the public set is missing.
        DataRefused: if the folder has no photos or no table of labels.
        ValueError: if there are too few session blocks, or a photo lacks what is learnt.
    """
    target: Target = "haemoglobin" if options.get("target") == "haemoglobin" else "anemic"
    width, height = (int(side) for side in str(options.get("size", "250x188")).split("x"))
    root, found = data, None
    if (data / "palm" / "labels.csv").is_file():
        root = data / "palm"
        photos = usable(load(root))
    else:
        found = read_own("photos", data, site_settings())
        photos = list(found.items)
    if target == "haemoglobin":
        photos = [photo for photo in photos if photo.haemoglobin_g_dl is not None]
        if len(photos) < 10:
            raise ValueError(f"{root}: {len(photos)} photos with haemoglobin are too few to learn")
    if found is not None and not found.problems and len(photos) == len(found.items):
        train, validation = found.part(0), found.part(1)  # as the page showed them
        how = "training part of its split by group"
    else:
        split = next(folds(photos, 5, settings.seed))
        train, validation = ([photos[i] for i in part] for part in (split.learn, split.held_out))
        how = "one fold of session blocks"
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
            data=PalmData(set=f"{root.name}, {how}", photos=len(photos), sha256=digest),
            seed=settings.seed,
            made=datetime.now(UTC).date().isoformat(),
        )
        return save_model(path, trained, card)

    recipe = PalmRecipe(train, validation, (width, height), target, settings.seed)
    return PreparedTraining(recipe, digest, facts, export)
