"""Reading class folders of cells that a laboratory brings: what is there, what can be learnt.

Nothing here stops at a bad file: it is skipped, and listed with its reason.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from core.datasets.intake import corrections
from core.datasets.intake.cell_names import UNDIVIDED
from core.datasets.intake.class_folders import Labeller
from core.datasets.intake.copies import Locked, Sifted, sifted
from core.datasets.intake.imported_set import Intake, Report, silent
from core.datasets.intake.pictures import LeftOut, ReadPicture, picture_files, read_labelled
from core.datasets.intake.reading import never_breaks
from core.datasets.intake.split.division import divide
from core.datasets.intake.split.grouping import MIN_GROUPS, Groups, grouped, too_few
from core.datasets.intake.split.parts import PARTS, GivenParts
from core.datasets.intake.tree import Tree
from core.datasets.public.pbc import LabelledCell
from core.datasets.skipped import DataRefused, Skipped
from core.settings import Settings
from core.taxonomy import WBC_CLASSES, in_order, parent_of, title, trainable_classes

__all__ = ["MIN_SIDE_PX", "PARTS", "CellIntake", "DataRefused", "Skipped", "read_cells"]

MIN_SIDE_PX: Final = 32


class CellIntake(Intake[LabelledCell]):
    """What a folder of cells holds."""

    @property
    def cells(self) -> tuple[LabelledCell, ...]:
        """The cells that can be learnt from."""
        return self.items

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes that can be learnt, in the order of the taxonomy.

        Undivided neutrophils are learnt as the parent of the two classes they may be.
        """
        here = {*self.labels}
        undivided = {name for name in WBC_CLASSES if parent_of(name) in here}
        return in_order((here & {*trainable_classes()}) | undivided)

    def counts(self) -> dict[str, tuple[int, ...]]:
        """Class -> cells in training, validation and test."""
        found = super().counts()
        order = (*in_order(found.keys() - {UNDIVIDED}), UNDIVIDED)
        return {name: found[name] for name in order if name in found}


@never_breaks
def read_cells(
    root: Path,
    settings: Settings,
    *,
    names: Mapping[str, str] | None = None,
    seed: int = 0,
    report: Report = silent,
    locked: Locked | None = None,
) -> CellIntake:
    """Take in class folders of single cells, anywhere under ``root``.

    Args:
        root: the folder. A table below it with a file column and one called patient, slide,
            photo or group says what belongs together, and so do folders below a class;
            copies always do. Folders called train, valid and test are kept as the split.
        settings: limits of pictures.
        names: folder name -> class, where the names are not ones that are known.
        seed: same seed, same split.
        report: told how many of how many files are done.
        locked: a test set whose pictures and copies are left out.

    Raises:
        DataRefused: if there is no such folder or no picture in it.
    """
    skipped: list[Skipped] = []
    tree = picture_files(root, "a folder for each class with its cells in it", skipped)
    labeller = Labeller(tree.pictures, names or {})
    read, sent = _labelled(tree, labeller, settings, skipped, report)
    notes: list[str] = []
    pictures, every_label = [picture for picture, _ in read], [label for _, label in read]
    left = sifted(tree, pictures, every_label, skipped, notes, locked)
    labels = [every_label[i] for i in left.indices]
    folders = [labeller.groups(picture.shown) for picture in left.pictures]
    folders = _dividing(folders, labels, left.parts.names, notes)
    groups = grouped(left.pictures, tree, notes, folders)
    few = _too_few(labels, groups, left.parts, any(folders), notes)
    usable = _without(few, left, labels, skipped)
    usable_labels, usable_pictures = [labels[i] for i in usable], [left.pictures[i] for i in usable]
    given, usable_groups = left.parts.of(usable), groups.of(usable)
    division = divide(usable_pictures, given, usable_groups, usable_labels, seed, skipped, notes)
    chosen = [usable[n] for n in division.chosen]
    found, of_found = tuple(labels[i] for i in chosen), groups.of(chosen)
    return CellIntake(
        root=root,
        items=tuple(LabelledCell(left.pictures[i].path, labels[i]) for i in chosen),
        labels=found,
        groups=tuple(of_found.numbers),
        parts=tuple(tuple(part) for part in division.parts),
        grouped_by=groups.by,
        skipped=tuple(skipped),
        duplicates=tuple(left.duplicates),
        near_duplicates=groups.near,
        notes=tuple(notes),
        problems=tuple(_problems(sent, found, of_found.numbers, division.parts)),
        unknown=tuple(sorted({*labeller.asked.values()})),
        group_names=tuple(of_found.names),
        vanished=_vanished(sent, found, few),
    )


def _labelled(
    tree: Tree, labeller: Labeller, settings: Settings, skipped: list[Skipped], report: Report
) -> tuple[list[tuple[ReadPicture, str]], Counter[str]]:
    """The pictures with a class, and how many were sent of each class and each unknown folder."""
    sent: Counter[str] = Counter()
    corrected = corrections.standing(tree.root)

    def label_of(file: str) -> str:
        if file in corrected:
            if corrected[file] == corrections.LEFT_OUT:
                raise LeftOut("a person left it out")
            sent[corrected[file]] += 1
            return corrected[file]
        label, why = labeller.label(file)
        folder = labeller.asked.get(file, "")
        if label or folder:
            sent[label or f"folder {folder}"] += 1
        if label is None:
            raise LeftOut(why)
        return label

    read = read_labelled(tree, tree.pictures, label_of, settings, MIN_SIDE_PX, skipped, report)
    return read, sent


def _without(
    few: Mapping[str, str], left: Sifted, labels: Sequence[str], skipped: list[Skipped]
) -> list[int]:
    """Indices of the cells whose class can be learnt; the others go to ``skipped``."""
    skipped += [
        Skipped(picture.shown, f"{label}: {few[label]}")
        for picture, label in zip(left.pictures, labels, strict=True)
        if label in few
    ]
    return [i for i, label in enumerate(labels) if label not in few]


def _vanished(
    sent: Mapping[str, int], found: Sequence[str], few: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Classes of which something was sent and nothing can be learnt, each with the reason."""
    vanished = dict(few)
    for name, number in sent.items():
        if name not in found:
            vanished.setdefault(name, f"none of its {number} pictures can be used")
    return tuple(vanished.items())


def _dividing(
    folders: Sequence[tuple[str, ...]],
    labels: Sequence[str],
    given: Sequence[str],
    notes: list[str],
) -> list[tuple[str, ...]]:
    """Slides and patients that folders name, or none where a split by them cannot be made."""
    of_class: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for label, folder in zip(labels, folders, strict=True):
        of_class[label].add(folder)
    if not any(folders) or (not any(given) and min(map(len, of_class.values())) < 2):
        if any(folders):
            notes.append(
                "a class lies in one folder of slides or patients only, so that the parts cannot "
                "be cut by them: one slide may stand in several"
            )
        return [()] * len(folders)
    return list(folders)


def _too_few(
    labels: Sequence[str], groups: Groups, given: GivenParts, by_folders: bool, notes: list[str]
) -> dict[str, str]:
    """Classes that cannot be learnt -> why; none in a set that brings its own split.

    Few slides in folders are enough if they hold enough cells. Where fewer than two classes would
    be left, none is: nothing can be learnt either way, and all is shown.
    """
    if any(given.names):
        return {}
    few = too_few(labels, groups.numbers)
    if by_folders:
        cells = Counter(labels)
        slides = {n: len({g for g, label in zip(groups.numbers, labels, strict=True) if label == n})
                  for n in few}  # fmt: skip
        enough = {name for name in few if cells[name] >= MIN_GROUPS and slides[name] >= 2}
        if enough:
            words = ", ".join(f"{name} {slides[name]}" for name in sorted(enough))
            notes.append(
                f"few slides or patients ({words}), each on one side: the figures say little about "
                "another slide"
            )
        few = {name: why for name, why in few.items() if name not in enough}
    if len({*labels} - few.keys()) < 2:
        return {}
    notes += [f"{title(name).lower()} is left out: {why}" for name, why in few.items()]
    return few


def _problems(
    sent: Mapping[str, int],
    labels: Sequence[str],
    groups: Sequence[int],
    parts: Sequence[Sequence[int]],
) -> list[str]:
    if not sent:
        return [
            "no folder names a class: expected is a folder for each class with its cells in it; a "
            "table of classes is not read"
        ]
    classes = set(labels)
    enough = [name for name in classes if labels.count(name) >= MIN_GROUPS]
    if len(classes) < 2 or len(enough) < 2:
        classes = set(enough)
        return [
            f"{len(classes)} {'class' if len(classes) == 1 else 'classes'} with enough cells; "
            f"at least two are needed, each with {MIN_GROUPS} separate pictures"
        ]
    return [
        f"no {name} falls into the {title} part; more groups of it are needed"
        for part, title in zip(parts, PARTS, strict=True)
        for name in sorted(classes - {labels[i] for i in part})
        if title != "test"
    ]
