"""An export of your own: every signed case as one line, for a system that wants just that.

``python examples/own_export.py [ACCESSION ...] > results.csv``; without a number all of them.
"""

import csv
import sys
from pathlib import Path
from typing import TextIO

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from core.access.people import AT_THE_TERMINAL
from core.review.case import cases, worklist
from core.review.exchange.contents import CaseContents, gather
from core.review.exchange.formats import ExportFormat
from core.review.record.review_store import ReviewStore, review_store
from core.slide.tables import disclaimer

COLUMNS = ("accession", "version", "signed_by", "signed_at", "white_cells", "note")


def line_of(contents: CaseContents) -> list[str]:
    """One case under :data:`COLUMNS`. Raises ValueError for a case that nobody has signed."""
    signed = contents.signature
    if signed is None:
        raise ValueError(f"case {contents.case.accession} is not signed")
    at = signed.signed_at.isoformat(timespec="seconds")
    counted = str(contents.standing.verified.leukocytes)
    case = contents.case
    return [case.accession, str(case.version), signed.signed_name, at, counted, disclaimer()]


def one_line(contents: CaseContents) -> bytes:
    """What the format below makes."""
    return (",".join(COLUMNS) + "\n" + ",".join(line_of(contents)) + "\n").encode()


# As one more entry of core.review.exchange.formats.FORMATS it stands on the page Review, too.
LINE = ExportFormat("line", "One line", "a line for our system", "csv", "text/csv", one_line)


def write(store: ReviewStore, accessions: list[str], out: TextIO) -> int:
    """Write the cases of these numbers, or every signed one; returns how many."""
    if not accessions:
        rows = worklist.worklist(store, AT_THE_TERMINAL, states=("signed", "amended"))
        accessions = [row.case.accession for row in rows]
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for accession in accessions:
        case = cases.find(store, AT_THE_TERMINAL, accession)
        writer.writerow(line_of(gather(store, AT_THE_TERMINAL, case.id)))
    return len(accessions)


if __name__ == "__main__":
    write(review_store(), sys.argv[1:], sys.stdout)
