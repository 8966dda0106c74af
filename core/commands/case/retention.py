"""``python -m core cases erase``, ``erased`` and ``due``: cases that are not kept any longer."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands.terminal import opened_store, progress, stop
from core.files import write_atomically

if TYPE_CHECKING:
    from core.review.record.review_store import ReviewStore
    from core.review.retention.erasing import Extent

Reason = Annotated[str, typer.Option(help="why; the ledger keeps it, so name no patient")]
CopyTo = Annotated[
    Path | None,
    typer.Option("--copy-to", help="write report, JSON and pictures into this folder before"),
]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask again")]


def erase(
    which: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="accession or case numbers")
    ] = None,
    patient: Annotated[str, typer.Option(help="every case with this pseudonym")] = "",
    reason: Reason = "",
    copy_to: CopyTo = None,
    yes: Yes = False,
) -> None:
    """Erase cases for good, with pictures, words and names. The ledger says that and by whom."""
    if bool(which) == bool(patient):
        stop("name cases, or their patient with --patient")
    from core.access.people import AT_THE_TERMINAL
    from core.review.case.cases import find
    from core.review.record.errors import CaseRefused

    store = opened_store()
    try:
        numbers = [find(store, AT_THE_TERMINAL, one).id for one in which or ()]
    except CaseRefused as refusal:
        stop(refusal)
    if patient:
        numbers = _of_patient(store, patient)
    _erase(store, numbers, reason, copy_to, yes)


def due(
    erase_them: Annotated[bool, typer.Option("--erase", help="erase those that are due")] = False,
    reason: Reason = "kept as long as this site keeps cases",
    copy_to: CopyTo = None,
    yes: Yes = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, one object per line")] = False,
) -> None:
    """List the cases that are older than HEMADESK_ERASE_AFTER_YEARS, or erase them."""
    from core.access.people import AT_THE_TERMINAL
    from core.review.retention import rules

    store = opened_store()
    found = rules.due(store, AT_THE_TERMINAL)
    for one in found:
        row = {"id": one.case_id, "accession": one.accession, "since": f"{one.since:%Y-%m-%d}"}
        print(json.dumps(row) if as_json else f"{row['accession']}: last signed {row['since']}")
    if not found:
        progress("no case is due (HEMADESK_ERASE_AFTER_YEARS)")
    elif erase_them:
        _erase(store, [one.case_id for one in found], reason, copy_to, yes)


def erased(
    as_json: Annotated[bool, typer.Option("--json", help="JSON, one object per line")] = False,
) -> None:
    """List the cases that were erased: their number, when, by whom and why."""
    from core.access.people import AT_THE_TERMINAL
    from core.review.retention.erasing import erased as all_erased

    for one in all_erased(opened_store(), AT_THE_TERMINAL):
        row = {"id": one.case_id, "at": one.at, "by": one.by, "reason": one.reason}
        print(json.dumps(row) if as_json else f"case {one.case_id} {one.at} {one.by}: {one.reason}")


def _erase(
    store: "ReviewStore", numbers: list[int], reason: str, copy_to: Path | None, yes: bool
) -> None:
    from core.access.people import AT_THE_TERMINAL
    from core.review.record.errors import CaseRefused, PictureLost
    from core.review.retention import copies, erasing
    from core.store.database import Unavailable

    try:
        for number in numbers:
            progress(_words(erasing.extent(store, AT_THE_TERMINAL, number)))
        if copy_to is not None:
            for number in numbers:
                for name, data in copies.case_files(store, AT_THE_TERMINAL, number):
                    file = copy_to / name
                    if file.exists():
                        stop(f"{file} exists; nothing was overwritten, nothing was erased")
                    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    write_atomically(file, data)  # on the disk before anything is erased
        if not yes and not typer.confirm("Erase this for good", err=True):
            stop("nothing was erased")
        done = erasing.erase(store, AT_THE_TERMINAL, numbers, reason)
    except (CaseRefused, PictureLost) as refusal:
        stop(refusal)
    except Unavailable as refusal:
        stop(f"{refusal}; python -m core cases erased lists what was erased")
    except OSError as error:
        stop(
            f"a file could not be written or removed: {error.strerror or error} "
            f"({error.filename}); python -m core cases erased lists what was erased"
        )
    print(f"erased {len(done)} of {len(numbers)}; python -m core cases verify shows the ledger")


def _words(one: "Extent") -> str:
    sets = f", and from {', '.join(one.training_sets)}" if one.training_sets else ""
    return (
        f"{one.case.accession} (case {one.case.id}): {one.pictures} pictures, {one.cells} cells, "
        f"{one.signatures} signatures, what {one.entries} entries of the ledger say{sets}"
    )


def _of_patient(store: "ReviewStore", pseudonym: str) -> list[int]:
    from core.access.people import AT_THE_TERMINAL
    from core.review.retention.erasing import of_patient

    numbers = of_patient(store, AT_THE_TERMINAL, pseudonym)
    if not numbers:
        stop(f"no case has the pseudonym {pseudonym}")
    return numbers
