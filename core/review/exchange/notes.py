"""What every form of a case says in words: preliminary, critical, left out, who read it."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from core.inference.palm.screening import can_be_judged
from core.records import Flag
from core.review.acceptance.status import of_pictures
from core.review.exchange.contents import CaseContents
from core.review.reading.cells import ReviewCell
from core.review.reading.grades import GRADES, PLATELETS
from core.review.signature.release import release_sentence
from core.review.signature.snapshot_format import (
    BoxDifferenceRow,
    GivenGrade,
    GradeDifferenceRow,
)
from core.slide import judgement, palm_words
from core.slide.abnormality import in_text
from core.taxonomy import title

NOT_ASSESSED: Final = "not assessed"
_READINGS: Final = {1: "first reading", 2: "second reading", 3: "settling"}


def notes_of(contents: CaseContents) -> list[str]:
    """Sentences that belong to the findings wherever they are shown, the gravest first."""
    found = []
    critical = critical_cells(contents)
    parts = [f"{len(critical)} white {_cells(len(critical))}"] if critical else []
    parts += [words for is_critical, words in abnormality_words(contents) if is_critical]
    if parts:
        found.append(f"Critical: {', '.join(parts)}.")
    others = [words for is_critical, words in abnormality_words(contents) if not is_critical]
    if others:
        found.append(f"Seen: {', '.join(others)}.")
    found += [one.sentence for one in contents.calls]
    if contents.released:
        found.append(release_sentence(contents.released))
    if contents.is_preliminary:
        found.append(preliminary_sentence(contents))
    elif contents.is_below_target:
        found.append(target_sentence(contents))
    out = judgement.left_out_sentence(len(contents.fields), contents.left_out)
    if out:
        found.append(out)
    if contents.laboratory.is_foreign:
        found.append(contents.laboratory.sentence())
    if contents.fields:
        missing = [words for graded, words in assessed(contents) if not graded]
        if missing:
            found.append(f"{' and '.join(missing).capitalize()}: {NOT_ASSESSED}.")
    return found + readers_sentences(contents) + acceptance_sentences(contents)


def palm_sentences(contents: CaseContents) -> list[str]:
    """What is said of the palms of a case, in the words of screen and terminal."""
    found = []
    for picture in contents.pictures:
        if picture.kind == "palm":
            call = picture.palm()
            spoilt = not can_be_judged([Flag(str(f["code"]), "") for f in call.get("flags", [])])
            found += palm_words.sentences(call, spoilt)
    return [*found, palm_words.NO_MEASUREMENT] if found else []


def acceptance_sentences(contents: CaseContents) -> list[str]:
    """A sentence for each decision whether this laboratory has accepted the models."""
    # What held at the signature stays, whatever was accepted since: it says which moment it means.
    moment = ", at the signature" if contents.signature else ""
    return [
        f"Models of the {' and '.join(kinds)}{moment}: {one.words}."
        for one, kinds in of_pictures(contents.acceptances, contents.pictures)
    ]


def has_acceptance_mark(contents: CaseContents) -> bool:
    """Whether models answered that failed here, or instead of which others were accepted."""
    return not all(contents.acceptance_of(picture).is_quiet for picture in contents.pictures)


def critical_cells(contents: CaseContents) -> list[ReviewCell]:
    """Critical white cells; those of a field that a person left out are not shown."""
    out = {picture.id for picture in contents.fields if picture.included is False}
    return [
        cell
        for cell in contents.cells
        if cell.kind == "wbc" and cell.is_critical and cell.picture_id not in out
    ]


def preliminary_sentence(contents: CaseContents) -> str:
    """Why the report is preliminary."""
    counted = contents.standing.verified.leukocytes
    return (
        f"Preliminary: the differential rests on {counted} white {_cells(counted)}, fewer than the "
        f"{contents.minimum_cells} this laboratory asks for."
    )


def target_sentence(contents: CaseContents) -> str:
    """That the differential rests on fewer cells than the laboratory counts to."""
    counted = contents.standing.verified.leukocytes
    return (
        f"Below target: the differential rests on {counted} white {_cells(counted)}; this "
        f"laboratory counts to {contents.target_cells}."
    )


def abnormality_words(contents: CaseContents) -> list[tuple[bool, str]]:
    """Each abnormality once: whether it is critical, and ``Auer rods in 2 cells``."""
    # Several places of one field are one field.
    places: dict[str, set[tuple[int, int | None]]] = {}
    for one in contents.seen:
        places.setdefault(one.term, set()).add((one.picture_id, one.cell_id))
    found = []
    for one in contents.seen:
        if one.term not in places:
            continue
        where = places.pop(one.term)
        what = "field" if one.cell_id is None else "cell"
        number = f"{len(where)} {what}{'' if len(where) == 1 else 's'}"
        found.append((one.is_critical, f"{in_text(one.title)} in {number}"))
    return found


def assessed(contents: CaseContents) -> tuple[tuple[bool, str], ...]:
    """Whether a person looked at each part: red-cell morphology, platelets."""
    red = any(t != PLATELETS and g.grade is not None for t, g in contents.grades.items())
    platelets = contents.grades.get(PLATELETS)
    return (
        (red, "red-cell morphology"),
        (platelets is not None and platelets.words is not None, "platelets"),
    )


def readers_sentences(contents: CaseContents) -> list[str]:
    """Every reader by name; where two differed, what each gave and who settled it."""
    by_reading: dict[int, list[str]] = {}
    for one in contents.readers:
        name = one["reader_name"]
        name += " (pre-classified)" if one.get("preclassified") else ""
        by_reading.setdefault(one["reading"], []).append(name)
    found = []
    if by_reading:
        parts = [f"{_READINGS[n]} {', '.join(names)}" for n, names in sorted(by_reading.items())]
        found.append(f"Read by: {'; '.join(parts)}.")
    if contents.case.halves and by_reading.keys() >= {1, 2}:
        found.append(_halves(contents))
    found += _cell_differences(contents)
    found += [_box_difference(row, by_reading) for row in contents.box_differences]
    found += [_grade_difference(row) for row in contents.grade_differences]
    return found


def _halves(contents: CaseContents) -> str:
    """How many white cells each of two readers read, where each had a half of the case."""
    numbers = Counter(
        cell.answer.reading if cell.answer else 1 if cell.first else 2
        for cell in contents.cells
        if cell.kind == "wbc" and cell.included and cell.label is not None
    )
    text = f"Each reader read a half of the cells: the first {numbers[1]}, the second {numbers[2]}"
    if numbers[3]:
        text += f"; {numbers[3]} were called after both readings"
    return text + "."


def _cell_differences(contents: CaseContents) -> list[str]:
    found = []
    for cell in contents.cells:
        if not cell.differs or cell.first is None or cell.second is None:
            continue
        settled = "not settled"
        if cell.answer is not None and cell.answer.label is not None:
            settled = f"settled by {cell.answer.reader_name} as {_word(cell.answer.label)}"
        found.append(
            f"Cell {cell.id}: {cell.first.reader_name} {_word(cell.first.label)}, "
            f"{cell.second.reader_name} {_word(cell.second.label)}; {settled}."
        )
    return found


def _box_difference(row: BoxDifferenceRow, by_reading: Mapping[int, list[str]]) -> str:
    settled = "not settled"
    if row["settled_by"] is not None:
        what = "no cell" if row["deleted"] else _kind(row.get("settled"))
        settled = f"settled by {row['settled_by']} as {what}"
    readers = ""
    if "first" in row:  # the oldest signed versions have the settling only
        names = [", ".join(by_reading.get(n, [f"{n}. reader"])) for n in (1, 2)]
        readers = f"{names[0]} {_kind(row['first'])}, {names[1]} {_kind(row.get('second'))}; "
    return f"Box of cell {row['cell_id']}: {readers}{settled}."


def _grade_difference(row: GradeDifferenceRow) -> str:
    settled = "not settled"
    if row["settled"] is not None and row["settled"]["value"] is not None:
        settled = f"settled by {row['settled']['reader_name']} as {_grade(row['settled'])}"
    readers = [
        f"{one['reader_name']} {_grade(one)}" if one else f"the {name} reader {NOT_ASSESSED}"
        for name, one in (("first", row["first"]), ("second", row["second"]))
    ]
    return f"{title(row['term'])}: {', '.join(readers)}; {settled}."


def _kind(kind: str | None) -> str:
    words = {"rbc": "a red cell", "wbc": "a white cell", "platelet": "a platelet"}
    return "no cell" if kind is None else words.get(kind, kind)


def _grade(one: GivenGrade) -> str:
    value = one["value"]
    if value is None:
        return NOT_ASSESSED
    return GRADES[value] if isinstance(value, int) else str(value).replace("_", " ")


def _word(label: str | None) -> str:
    return "not answered" if label is None else title(label).lower()


def _cells(number: int) -> str:
    return "cell" if number == 1 else "cells"
