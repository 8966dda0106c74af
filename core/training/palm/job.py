"""Prepare a training of the paper's palm CNN, split by session block and photo group."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from torch import nn

from core.datasets.public.ghana_palms import PalmPhoto, load, usable
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
from core.training.recipe_info import Options


def prepare(data: Path, settings: LoopSettings, options: Options, folder: Path) -> PreparedTraining:
    """Split a laboratory's own set, or the public one by session blocks, and prepare the training.

    Args:
        data: a laboratory's own set, or the folder of the public sets with ``palm/`` in it.
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
    parts = _parts(data, target, settings.seed)
    digest = data_hash([photo.path for photo in parts.train])
    facts: TrainingFacts = {
        "training": len(parts.train),
        "validation": len(parts.validation),
        "baseline": 0.5,
        "baseline_title": "chance",
        "started_from": "random",
    }

    def export(trained: nn.Module, path: Path) -> LoadedModel:
        assert isinstance(trained, PaperPalmCnn)
        validation = PalmCnnValidation(
            photos=len(parts.validation),
            anemic=sum(bool(photo.anemic) for photo in parts.validation),
        )
        card = PalmCnnCard(
            architecture=PalmCnnArchitecture(width=width, height=height),
            target=target,
            validation=validation,
            intended_use="The published CNN on palm photos, for comparison. It gives no "
            "verdicts on the screen. Research use, a qualified person decides.",
            limits="Learnt from the photos named below; knows their light.",
            licence="the photos' own",
            data=PalmData(
                set=f"{parts.root.name}, {parts.how}", photos=parts.photos, sha256=digest
            ),
            seed=settings.seed,
            made=datetime.now(UTC).date().isoformat(),
        )
        return save_model(path, trained, card)

    recipe = PalmRecipe(parts.train, parts.validation, (width, height), target, settings.seed)
    return PreparedTraining(recipe, digest, facts, export)


@dataclass(frozen=True)
class _Parts:
    """Photos to learn from and to validate on; ``how`` says in words how they were divided.

    ``photos`` is the number of usable ones in ``root``, those of other parts included.
    """

    root: Path
    photos: int
    train: list[PalmPhoto]
    validation: list[PalmPhoto]
    how: str


def _parts(data: Path, target: Target, seed: int) -> _Parts:
    """See :func:`prepare`, which takes the same folder and raises the same errors."""
    root, own = data, None
    if (data / "palm" / "labels.csv").is_file():
        root = data / "palm"
        photos = usable(load(root))
    else:
        own = read_own("photos", data, site_settings())
        photos = list(own.items)
    if target == "haemoglobin":
        photos = [photo for photo in photos if photo.haemoglobin_g_dl is not None]
        if len(photos) < 10:
            raise ValueError(f"{root}: {len(photos)} photos with haemoglobin are too few to learn")
    if own is not None and not own.problems and len(photos) == len(own.items):
        # The split that the page has shown. It does not hold once photos without a value are gone.
        how = "training part of its split by group"
        return _Parts(root, len(photos), own.part(0), own.part(1), how)
    split = next(folds(photos, 5, seed))
    train, validation = ([photos[i] for i in part] for part in (split.learn, split.held_out))
    return _Parts(root, len(photos), train, validation, "one fold of session blocks")
