"""A case as HL7 v2.5.1 ``ORU^R01``: one order with its results, for a laboratory's own system.

The patient is the pseudonym, never a name. Status of order and results, as in FHIR: ``P`` for a
draft and for a preliminary report, ``F`` for a signed one, ``C`` for a later version of it.

Source: HL7 Messaging Standard 2.5.1, chapters 2 (delimiters, escapes) and 7 (``ORU^R01``).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from core.review.exchange.contents import CaseContents, in_signed_words
from core.review.exchange.loinc import MANUAL_DIFFERENTIAL, MORPHOLOGY, Loinc, share_code
from core.review.exchange.notes import notes_of, palm_sentences
from core.review.exchange.red_cell_words import proposals_of
from core.review.reading.grades import GRADES, PLATELETS
from core.settings import settings
from core.site_classes import LOINC
from core.slide.abnormality import ABNORMALITIES
from core.slide.differential import DifferentialRow
from core.slide.tables import disclaimer
from core.taxonomy import is_critical, title

_ESCAPES: Final = (
    ("\\", "\\E\\"), ("|", "\\F\\"), ("^", "\\S\\"), ("&", "\\T\\"), ("~", "\\R\\"),
    ("\r\n", "\\.br\\"), ("\n", "\\.br\\"), ("\r", "\\.br\\"),
)  # fmt: skip
_SEX: Final = {"female": "F", "male": "M", "other": "O"}
_LOCAL: Final = "99HEMADESK"
"""Coding system of what has no code of LOINC or of the site."""


@in_signed_words
def case_hl7(contents: CaseContents, laboratory: str = "") -> str:
    """The message, its segments ended by carriage returns as the standard has it.

    Args:
        contents: the case.
        laboratory: name of the sending facility.
    """
    status, case = _status(contents), contents.case
    signed = contents.signature
    issued = _time(signed.signed_at if signed else contents.made_at)
    received = _time(case.created_at)
    panel = _coded(MANUAL_DIFFERENTIAL, "Blood smear report", "smear")
    if not contents.fields:
        panel = _coded(None, "Palm report", "palm")
    # HL7 table 0103: a receiver keeps what is sent for training out of its results.
    sort = "T" if settings().is_demo else "P"
    number = f"{case.id}V{case.version}{status}"  # at most 20 characters
    reader = _text(signed.signed_name) if signed else ""
    segments = [
        _segment("MSH", "^~\\&", "HEMADESK", _text(laboratory), "", "", _time(contents.made_at), "",
                 "ORU^R01^ORU_R01", number, sort, "2.5.1", "", "", "", "", "",
                 "UNICODE UTF-8"),
        _segment("PID", "1", "", _text(case.pseudonym), "", "^^^^^^S", "", "",
                 _SEX.get(case.sex, "U")),
        _segment("OBR", "1", "", _text(case.accession), panel, "", "", received, *[""] * 6,
                 received, *[""] * 7, issued, "", "HM", status, *[""] * 6, f"&{reader}"),
    ]  # fmt: skip
    results = [*_shares(contents), *_grades(contents), *_seen(contents)]
    for place, (kind, code, value, unit, usual, mark) in enumerate(results, start=1):
        segments.append(
            _segment("OBX", str(place), kind, code, "", value, unit, usual, mark, "", "", status,
                     "", "", received)
        )  # fmt: skip
    comments = [remark.text for remark in contents.remarks if remark.picture_id is None]
    palms = [f"Palm: {sentence}" for sentence in palm_sentences(contents)]
    # As notes: a receiver would take an OBX for a result that somebody confirmed.
    proposed = [one.sentence() for one in proposals_of(contents.red_cells)]
    notes = [*notes_of(contents), *proposed, *palms, *comments, disclaimer()]
    for place, words in enumerate(notes, start=1):
        segments.append(_segment("NTE", str(place), "L", _text(words)))
    return "".join(f"{segment}\r" for segment in segments)


_Result = tuple[str, str, str, str, str, str]
"""Type of the value, code, value, unit, usual range, mark of ``OBX``."""


def _status(contents: CaseContents) -> str:
    if contents.is_draft or contents.is_preliminary:
        return "P"
    return "F" if contents.case.version == 1 else "C"


def _shares(contents: CaseContents) -> list[_Result]:
    verified = contents.standing.verified
    if not verified.leukocytes:
        return []
    found = [_share(contents, row) for row in verified.rows]
    nucleated = 100 * verified.not_counted.get("erythroblast", 0) / verified.leukocytes
    code = _coded(share_code("erythroblast"), title("erythroblast"), "erythroblast")
    return [*found, ("NM", code, f"{nucleated:.1f}", "/100{WBCs}", "", "")]


def _share(contents: CaseContents, row: DifferentialRow) -> _Result:
    usual = contents.usual.percent.get(row.label)
    low, high = 100 * row.interval.low, 100 * row.interval.high
    mark = ""
    if row.cells and is_critical(row.label):
        mark = "AA"
    elif usual is not None:
        # As in the report: only where the whole interval lies beyond what is usual.
        mark = "L" if high < usual[0] else "H" if low > usual[1] else ""
    code = _coded(share_code(row.label), title(row.label), row.label)
    between = f"{usual[0]:g}-{usual[1]:g}" if usual else ""
    return ("NM", code, f"{100 * row.share:.1f}", "%", between, mark)


def _grades(contents: CaseContents) -> list[_Result]:
    found = []
    for term, grade in sorted(contents.grades.items()):
        if term == PLATELETS and grade.words is not None:
            words, mark = grade.words.replace("_", " "), ""
        elif grade.grade is not None:
            words = f"{GRADES[grade.grade]} ({grade.grade} of 3)"
            mark = "A" if grade.grade else ""
        else:
            continue
        code = _coded(MORPHOLOGY.get(term), title(term), term)
        found.append(("ST", code, _text(words), "", "", mark))
    return found


def _seen(contents: CaseContents) -> list[_Result]:
    found = []
    for known in ABNORMALITIES:
        seen = [one for one in contents.seen if one.term == known.term]
        places = len({(one.picture_id, one.cell_id) for one in seen})
        if places:
            code = _coded(Loinc(known.loinc) if known.loinc else None, known.title, known.term)
            words = f"present, {places} {known.place}{'' if places == 1 else 's'}"
            found.append(("ST", code, words, "", "", "AA" if known.critical else "A"))
    return found


def _coded(code: Loinc | None, words: str, local: str) -> str:
    """A coded element: identifier, text, system; a code of our own where there is no other."""
    if code is None:
        return f"{_text(local)}^{_text(words)}^{_LOCAL}"
    system = "LN" if code.system == LOINC else f"99{code.system.rsplit('/', 1)[-1]}"
    return f"{_text(code.code)}^{_text(words)}^{_text(system)[:20]}"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000")


def _text(words: str) -> str:
    """Words with the delimiters escaped, and without control characters but line breaks."""
    for plain, escaped in _ESCAPES:
        words = words.replace(plain, escaped)
    return "".join(letter for letter in words if letter.isprintable())


def _segment(name: str, *fields: str) -> str:
    """A segment without the empty fields at its end."""
    kept: Sequence[str] = fields
    while kept and not kept[-1]:
        kept = kept[:-1]
    return "|".join([name, *kept])
