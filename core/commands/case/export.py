"""``python -m core cases export``: a case as a report, a table, FHIR, HL7 v2 or labels."""

from pathlib import Path
from typing import Annotated

import typer

from core.commands.terminal import check_choice, stop

NAMES = ("pdf", "csv", "json", "fhir", "hl7", "coco", "yolo", "voc", "folders")
_FHIR_RELEASES = ("R5", "R4B")


def export(
    case_id: Annotated[
        str, typer.Argument(metavar="ID", help="accession number, or number of a case")
    ],
    form: Annotated[str, typer.Option("--format", help=" | ".join(NAMES))] = "pdf",
    to: Annotated[
        Path | None, typer.Option(help="file or folder to write (default: this folder)")
    ] = None,
    fhir_release: Annotated[str, typer.Option(help=" | ".join(_FHIR_RELEASES))] = "R5",
) -> None:
    """Write a case as it stands; labels become a folder, everything else a file."""
    check_choice("--format", form, NAMES)
    check_choice("--fhir-release", fhir_release, _FHIR_RELEASES)
    from core.access.people import AT_THE_TERMINAL
    from core.review.case.cases import find
    from core.review.exchange.contents import gather
    from core.review.exchange.fhir import case_fhir
    from core.review.exchange.formats import FORMATS
    from core.review.exchange.labels import LABEL_FORMATS, label_files
    from core.review.record.errors import CaseRefused, PictureLost
    from core.review.record.review_store import review_store
    from core.store.database import DatabaseRefused

    try:
        place = review_store()
        contents = gather(place, AT_THE_TERMINAL, find(place, AT_THE_TERMINAL, case_id).id)
        named = FORMATS[form].file_name(contents.case)
        target = to or Path()
        layout = next((name for name in LABEL_FORMATS if name == form), None)
        if layout is not None:
            folder = to or Path(Path(named).stem)
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                stop(f"{folder} exists and is not an empty folder; nothing was written")
            for name, data in label_files(contents, layout):
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            folder.mkdir(parents=True, exist_ok=True)
            print(folder)
            return
        file = target / named if to is None or target.is_dir() else target
        if form == "fhir":
            data = case_fhir(contents, "R4B" if fhir_release == "R4B" else "R5").encode()
        else:
            data = FORMATS[form].make(contents)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        print(file)
    except (CaseRefused, PictureLost, DatabaseRefused) as refusal:
        stop(refusal)
    except OSError as error:
        stop(f"cannot write: {error.strerror or error} ({error.filename})")
