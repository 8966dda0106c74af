"""Reading class folders of cells that a laboratory brings: what is there, what can be learnt.

Nothing here stops at a bad file: it is skipped, and listed with its reason.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from core.datasets.intake.cell_names import UNDIVIDED, class_of_folder, subtype_of_file
from core.datasets.intake.imported_set import (
    MIN_GROUPS,
    PARTS,
    SHARES,
    Intake,
    Locked,
    Report,
    grouped,
    picture_paths,
    read_picture,
    silent,
    too_few,
    without_copies,
    without_locked,
)
from core.datasets.public.pbc import LabelledCell
from core.datasets.skipped import DataRefused, Skipped
from core.datasets.splits import grouped_split
from core.settings import Settings
from core.taxonomy import WBC_CLASSES

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
        """Classes that can be learnt, in the order of the taxonomy."""
        return tuple(name for name in WBC_CLASSES if name in self.labels)

    def counts(self) -> dict[str, tuple[int, ...]]:
        """Class -> cells in training, validation and test."""
        found = super().counts()
        return {name: found[name] for name in self.classes}


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
        root: the folder. A CSV directly in it with a file column and one called patient, slide,
            photo or group says what belongs together; near-duplicates always do.
        settings: limits of pictures.
        names: folder name -> class, where the names are not ones that are known.
        seed: same seed, same split.
        report: told how many of how many files are done.
        locked: a test set whose pictures and copies are left out.

    Raises:
        DataRefused: if there is no such folder or no picture in it.
    """
    files = picture_paths(root, "a folder for each class with its cells in it")
    skipped: list[Skipped] = []
    pictures, said, unknown = [], [], set()
    for done, path in enumerate(files):
        report(done, len(files))
        label = _label(path, names or {})
        if label is None:
            folder = path.parent.name if path.parent != root else "no class folder"
            skipped.append(Skipped(path.relative_to(root).as_posix(), f"unknown class: {folder}"))
            unknown |= {path.parent.name} if path.parent != root else set()
            continue
        picture = read_picture(path, root, settings, MIN_SIDE_PX, skipped)
        if picture is not None:
            pictures.append(picture)
            said.append(label)
    report(len(files), len(files))

    keep, duplicates = without_copies(pictures, said, skipped)
    undivided = [i for i in keep if said[i] == UNDIVIDED]
    keep = [i for i in keep if said[i] != UNDIVIDED]
    notes: list[str] = []
    keep = without_locked(pictures, keep, locked, skipped, notes)
    if undivided:
        notes.append(
            f"{len(undivided)} of the neutrophils are not called segmented or band and are left "
            f"out; name the class of their folder below to use them."
        )
        unknown.add(UNDIVIDED)
    groups = grouped([pictures[i] for i in keep], root)
    few = too_few([said[i] for i in keep], groups.numbers)
    notes += [f"{name} is left out: {why}" for name, why in few.items()]
    chosen = [n for n, i in enumerate(keep) if said[i] not in few]
    labels = tuple(said[keep[n]] for n in chosen)
    numbers = tuple(groups.numbers[n] for n in chosen)
    parts = grouped_split(numbers, labels, SHARES, seed) if labels else [[], [], []]
    return CellIntake(
        root=root,
        items=tuple(LabelledCell(pictures[keep[n]].path, said[keep[n]]) for n in chosen),
        labels=labels,
        groups=numbers,
        parts=tuple(tuple(part) for part in parts),
        grouped_by=groups.by,
        skipped=tuple(skipped),
        duplicates=tuple(duplicates),
        near_duplicates=groups.near,
        notes=tuple(notes),
        problems=tuple(_problems(labels, parts)),
        unknown=tuple(sorted(unknown)),
    )


def _label(path: Path, names: Mapping[str, str]) -> str | None:
    folder = path.parent.name
    label = names.get(folder) or class_of_folder(folder)
    if label == UNDIVIDED:
        return subtype_of_file(path.stem) or label
    return label


def _problems(labels: Sequence[str], parts: Sequence[Sequence[int]]) -> list[str]:
    classes = set(labels)
    if len(classes) < 2:
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
