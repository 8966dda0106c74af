"""The forms a case can leave in: names, file endings, and what makes them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from core.review.exchange.case_tables import case_csv, case_json
from core.review.exchange.contents import CaseContents, slug
from core.review.exchange.fhir import case_fhir
from core.review.exchange.hl7 import case_hl7
from core.review.exchange.labels import LABEL_FORMATS, label_zip
from core.review.exchange.report import case_report
from core.review.record.case_rows import Case
from core.settings import settings


@dataclass(frozen=True)
class ExportFormat:
    """One form. ``make`` may raise PictureLost; ``what`` is for a person choosing."""

    name: str
    title: str
    what: str
    ending: str
    mime: str
    make: Callable[[CaseContents], bytes]

    def file_name(self, case: Case) -> str:
        """What the file is called; a draft says so."""
        draft = "" if case.is_closed else "-draft"
        form = "" if self.ending in ("pdf", "csv", "hl7") else f"-{self.name}"
        return f"{slug(case.accession)}-v{case.version}{draft}{form}.{self.ending}"


def _report(contents: CaseContents) -> bytes:
    return case_report(contents, settings())


def _csv(contents: CaseContents) -> bytes:
    # Spreadsheets take a file without this mark for the letters of their own country.
    return case_csv(contents).encode("utf-8-sig")


def _json(contents: CaseContents) -> bytes:
    return case_json(contents).encode()


def _fhir(contents: CaseContents) -> bytes:
    return case_fhir(contents).encode()


def _hl7(contents: CaseContents) -> bytes:
    return case_hl7(contents, settings().laboratory).encode()


_LABELS: Final = {
    "coco": "boxes of all fields as one COCO file",
    "yolo": "boxes of each field as YOLO text",
    "voc": "boxes of each field as Pascal VOC",
    "folders": "verified white cells in class folders",
}

FORMATS: Final[dict[str, ExportFormat]] = {
    one.name: one
    for one in (
        ExportFormat("pdf", "Report", "PDF to read and print", "pdf", "application/pdf", _report),
        ExportFormat("csv", "CSV", "one row for each cell", "csv", "text/csv", _csv),
        ExportFormat("json", "JSON", "the whole case", "json", "application/json", _json),
        ExportFormat(
            "fhir",
            "FHIR",
            "HL7 FHIR R5 DiagnosticReport with Observations",
            "json",
            "application/fhir+json",
            _fhir,
        ),
        ExportFormat(
            "hl7",
            "HL7 v2",
            "HL7 v2.5.1 ORU^R01 for a laboratory system",
            "hl7",
            "application/hl7-v2",
            _hl7,
        ),
        *(
            ExportFormat(
                name,
                {"folders": "Class folders"}.get(name, name.upper()),
                f"{_LABELS[name]}, with the pictures",
                "zip",
                "application/zip",
                partial(label_zip, layout=name),
            )
            for name in LABEL_FORMATS
        ),
    )
}
"""By name, in the order they are offered."""
