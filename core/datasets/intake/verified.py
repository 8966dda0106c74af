"""Taking in what a laboratory verified and signed, also where it is too little to stand alone.

A case is never divided. With too few patients for a validation and a test part of their own, all
of it goes to training, and the public set that the shipped model learnt from gives the rest.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from core.datasets.intake.cell_names import class_of_folder
from core.datasets.intake.cells import MIN_SIDE_PX, CellIntake, read_cells
from core.datasets.intake.copies import Locked, sifted
from core.datasets.intake.fields import read_boxed_fields
from core.datasets.intake.imported_set import Intake, Report, silent
from core.datasets.intake.pictures import LeftOut, picture_files, read_labelled
from core.datasets.intake.split.grouping import MIN_GROUPS, grouped
from core.datasets.public.pbc import LabelledCell
from core.datasets.skipped import Skipped
from core.settings import Settings
from core.taxonomy import in_order, title, trainable_classes

PUBLIC_TITLES = {"pbc": "PBC", "txl": "TXL-PBC"}
_JUDGE = (
    "The figures then say whether the model still knows what it knew, not how good it is on "
    "your slides: the page Lab acceptance measures that"
)


def read_verified_cells(
    root: Path,
    settings: Settings,
    *,
    report: Report = silent,
    locked: Locked | None = None,
) -> CellIntake:
    """Class folders of verified cells: cut as any, or all for training beside PBC.

    In the second case ``beside`` of the intake is ``pbc``, and its parts of validation and test are
    empty. It has a problem where PBC is not in ``settings.data``.

    Raises:
        DataRefused: if there is no such folder or no picture in it.
    """
    alone = read_cells(root, settings, report=report, locked=locked)
    if not alone.problems:
        return alone
    skipped: list[Skipped] = []
    tree = picture_files(root, "a folder for each class with its cells in it", skipped)

    def label_of(file: str) -> str:
        label = class_of_folder(tree.path(file).parent.name)
        if label not in trainable_classes():
            raise LeftOut("its folder names no class")
        return str(label)

    read = read_labelled(tree, tree.pictures, label_of, settings, MIN_SIDE_PX, skipped, report)
    every_label = [label for _, label in read]
    notes: list[str] = []
    left = sifted(tree, [picture for picture, _ in read], every_label, skipped, notes, locked)
    groups = grouped(left.pictures, tree, notes)
    labels = tuple(every_label[i] for i in left.indices)
    notes.insert(0, _too_few_cells(labels, groups.numbers))
    beside, problems = _public("pbc", settings, notes)
    return CellIntake(
        root=root,
        items=tuple(
            LabelledCell(picture.path, label)
            for picture, label in zip(left.pictures, labels, strict=True)
        ),
        labels=labels,
        groups=tuple(groups.numbers),
        parts=(tuple(range(len(labels))), (), ()),
        grouped_by=groups.by,
        skipped=tuple(skipped),
        duplicates=tuple(left.duplicates),
        near_duplicates=groups.near,
        notes=tuple(notes),
        problems=problems,
        beside=beside,
        group_names=tuple(groups.names),
    )


def read_verified_fields(
    root: Path,
    settings: Settings,
    *,
    report: Report = silent,
    locked: Locked | None = None,
) -> Intake[Any]:
    """Verified fields with their boxes: cut as any, or all for training beside TXL-PBC.

    See :func:`read_verified_cells`.

    Raises:
        DataRefused: if there is no such folder, or nothing with boxes in it.
    """
    alone = read_boxed_fields(root, settings, report=report, locked=locked)
    if not alone.problems or not alone.items:
        return alone
    patients = len(set(alone.groups))
    fields = f"{len(alone.items)} field{'' if len(alone.items) == 1 else 's'}"
    notes = [
        f"{fields} of {_patients(patients)} cannot be cut into training, validation and test: at "
        f"least {MIN_GROUPS} patients are needed, since a case never stands on two sides.",
        *alone.notes,
    ]
    beside, problems = _public("txl", settings, notes)
    return Intake(
        **{
            **alone.__dict__,
            "parts": (tuple(range(len(alone.items))), (), ()),
            "notes": tuple(notes),
            "problems": problems,
            "beside": beside,
        }
    )


def _public(name: str, settings: Settings, notes: list[str]) -> tuple[str, tuple[str, ...]]:
    """The public set to stand beside, and the problem where it is not there."""
    called = PUBLIC_TITLES[name]
    if (settings.data / name).is_dir():
        notes.insert(
            1,
            f"So all of them go to training, beside pictures of {called}; validation and test are "
            f"{called}'s own. {_JUDGE}.",
        )
        return name, ()
    why = notes.pop(0)
    missing = (
        f"{why} Sign more cases, or get the public set {called} to stand beside them "
        f"(python -m core datasets fetch {name})"
    )
    return "", (missing,)


def _too_few_cells(labels: Sequence[str], groups: Sequence[int]) -> str:
    members: dict[str, set[int]] = defaultdict(set)
    for label, group in zip(labels, groups, strict=True):
        members[label].add(group)
    cells = Counter(labels)
    each = _listed(
        f"{title(name).lower()} {cells[name]} of {_patients(len(members[name]))}"
        for name in in_order(members.keys())
    )
    return (
        f"Too few verified cells for a validation and a test part of their own: {each}. At least "
        f"two classes with cells of {MIN_GROUPS} patients each are needed, since a case never "
        "stands on two sides."
    )


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words) or "none"


def _patients(number: int) -> str:
    return f"{number} patient{'' if number == 1 else 's'}"
