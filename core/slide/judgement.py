"""What is critical, what is doubtful, what counts and what is left out: decided here and only here.

Screens, the worklist, CSV, JSON, FHIR, the PDF and the command line ask this module, so that one
word is said everywhere. Everything is pure and takes the records of :mod:`core.records`.

Of a call (one white cell as a model called it):
    ``call_is_critical``   critical by the rule (the flag ``critical_cell``), not by the likeliest
                           class: the rule is set for sensitivity
    ``call_is_doubtful``   the model named no class for sure
    ``call_marks``         the words to show with it: ``critical``, ``check``, both or none
    ``call_order``         sort key: critical ones lead, then doubtful, then improbable ones

Of a cell (a call and what a person answered):
    ``cell_is_critical``   the person's class if there is one, else the call
    ``is_critical_term``   is something seen (an abnormality) critical
    ``cell_is_doubtful``   nobody answered yet, and the call is doubtful or two readers differ
    ``cell_marks``         the words to show with it

Of a field (one finding):
    ``is_included``        does it count
    ``left_out``           why it does not, None where it counts
    ``critical_cells``     places of its critical cells in ``finding.cells``
    ``field_marks``        the words to show with it
    ``flag_mark``          the word of one flag

Of a set of fields or a case:
    ``included``           the findings that count, in totals, differential and blood count
    ``all_left_out``       the others, each with its reason
    ``left_out_sentence``  the sentence that screens, files and reports say of them
    ``summary``            fields, fields left out, white cells, critical and doubtful ones
    ``priority``           ``critical``, ``disagreement``, ``doubt`` or ``routine``
    ``is_preliminary``     does a differential rest on too few white cells
    ``platelets_contradict``  why a platelet word does not go with the counted cells
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from core.records import Flag, SmearFinding, WbcCall
from core.slide.abnormality import abnormality
from core.statistics.poisson import ratio_interval
from core.taxonomy import (
    CRITICAL_FLAG,
    LEFT_OUT_FLAGS,
    SYNTHETIC_FLAG,
    UNIDENTIFIED,
    is_critical,
)

Mark = Literal["critical", "check"]
Priority = Literal["critical", "disagreement", "doubt", "routine"]
PRIORITIES: Final[tuple[Priority, ...]] = ("critical", "disagreement", "doubt", "routine")
"""The most urgent first."""

BY_PERSON: Final = "left_out_by_person"
"""Code of the reason of a field that a person took out."""


@dataclass(frozen=True)
class LeftOut:
    """A field that does not count. ``code``: a flag's, or ``BY_PERSON``; ``reason``: a sentence."""

    file: str
    code: str
    reason: str


@dataclass(frozen=True)
class Summary:
    """What a set of fields holds.

    ``white_cells``, ``critical`` and ``doubtful`` are those of the fields that count, except that
    ``critical`` also has the cells of fields which the program alone left out: a smear wrongly
    judged to be none must not hide a blast.
    """

    fields: int
    left_out: tuple[LeftOut, ...]
    white_cells: int
    critical: int
    doubtful: int


def call_is_critical(call: WbcCall | None) -> bool:
    """Must a person see this cell before anything else, by the rule."""
    return call is not None and call.critical


def call_is_doubtful(call: WbcCall | None) -> bool:
    """Did the model name no class for sure."""
    return call is not None and call.abstained


def call_marks(call: WbcCall | None) -> tuple[Mark, ...]:
    """The words to show with a call, the graver first."""
    return _marks(call_is_critical(call), call_is_doubtful(call))


def call_order(call: WbcCall) -> tuple[bool, bool, float]:
    """Sort key of calls: critical ones lead, then doubtful ones, then the least probable."""
    return not call_is_critical(call), not call_is_doubtful(call), call.probability


def cell_is_critical(
    call: WbcCall | None, answered: str | None, *, preclassified: bool = False
) -> bool:
    """Is a cell critical, given what a person called it.

    Args:
        call: what the model called it; None where there is no answer, or it is withheld.
        answered: the person's class; None where nobody answered. Who could not tell
            (``unidentified``) has excluded nothing, so the call still speaks.
        preclassified: the answer is of somebody who may not review: it can make a cell critical,
            and takes nothing away from what the rule said.
    """
    if preclassified:
        return (answered is not None and is_critical(answered)) or call_is_critical(call)
    if answered is not None and answered != UNIDENTIFIED:
        return is_critical(answered)
    return call_is_critical(call)


def is_critical_term(term: str) -> bool:
    """Is something that was seen in a cell or a field critical: Auer rods, parasites."""
    known = abnormality(term)
    return known is not None and known.critical


def cell_is_doubtful(call: WbcCall | None, answered: str | None, *, differs: bool = False) -> bool:
    """Should a person check this cell: not answered yet, and doubtful or read in two ways."""
    return answered is None and (call_is_doubtful(call) or differs)


def cell_marks(
    call: WbcCall | None, answered: str | None, *, differs: bool = False
) -> tuple[Mark, ...]:
    """The words to show with a cell, the graver first."""
    return _marks(
        cell_is_critical(call, answered), cell_is_doubtful(call, answered, differs=differs)
    )


def is_included(finding: SmearFinding) -> bool:
    """Does this field count in totals, differential and blood count."""
    return finding.included


def left_out(finding: SmearFinding) -> LeftOut | None:
    """Why a field does not count; None where it does."""
    if is_included(finding):
        return None
    flag = next((flag for flag in finding.flags if flag.code in LEFT_OUT_FLAGS), None)
    if flag is not None:
        return LeftOut(finding.file, flag.code, flag.message)
    return LeftOut(finding.file, BY_PERSON, "A person took it out.")


def is_synthetic(finding: SmearFinding) -> bool:
    """Was this field drawn by the program."""
    return any(flag.code == SYNTHETIC_FLAG for flag in finding.flags)


def flag_mark(flag: Flag) -> Mark:
    """The word that goes with a flag."""
    return "critical" if flag.code == CRITICAL_FLAG else "check"


def critical_cells(finding: SmearFinding) -> tuple[int, ...]:
    """Places in ``finding.cells`` of the cells that a person must see.

    None in a field that a person took out: they have looked at it.
    """
    if finding.included_by_person is False:
        return ()
    return tuple(n for n, cell in enumerate(finding.cells) if call_is_critical(cell.wbc))


def field_marks(finding: SmearFinding) -> tuple[Mark, ...]:
    """The words to show with a field: its cells' and its flags'."""
    doubtful = any(call_is_doubtful(cell.wbc) for cell in finding.cells)
    flag_marks = {flag_mark(flag) for flag in finding.flags}
    out = finding.included_by_person is False
    critical = bool(critical_cells(finding)) or ("critical" in flag_marks and not out)
    return _marks(critical, doubtful or "check" in flag_marks)


def included(findings: Iterable[SmearFinding]) -> tuple[SmearFinding, ...]:
    """The findings that count, in their order."""
    return tuple(finding for finding in findings if is_included(finding))


def all_left_out(findings: Iterable[SmearFinding]) -> tuple[LeftOut, ...]:
    """The fields that do not count, in their order."""
    return tuple(reason for finding in findings if (reason := left_out(finding)) is not None)


def left_out_sentence(fields: int, out: Sequence[LeftOut]) -> str:
    """``3 of 4 fields count. Left out: hand.jpg (not a smear).``; nothing where all count.

    Args:
        fields: fields of the set, the left out ones included.
        out: of :func:`all_left_out`.
    """
    if not out:
        return ""
    names = ", ".join(f"{one.file} ({left_out_words(one.code)})" for one in out)
    verb = "counts" if fields - len(out) == 1 else "count"
    return f"{fields - len(out)} of {fields} fields {verb}. Left out: {names}."


def left_out_words(code: str) -> str:
    """A few words for a reason: ``not a smear``, ``by a person``."""
    return "by a person" if code == BY_PERSON else code.replace("_", " ")


def summary(findings: Iterable[SmearFinding]) -> Summary:
    """What is in a set of fields, by the rules of this module."""
    everything = tuple(findings)
    calls = [cell.wbc for finding in included(everything) for cell in finding.cells_of("wbc")]
    return Summary(
        fields=len(everything),
        left_out=all_left_out(everything),
        white_cells=len(calls),
        critical=sum(len(critical_cells(finding)) for finding in everything),
        doubtful=sum(call_is_doubtful(call) for call in calls),
    )


def priority(*, critical: int, disagreement: bool, doubtful: int) -> Priority:
    """How urgent a case is.

    Args:
        critical: cells that are critical now, and critical abnormalities that were seen.
        disagreement: do two readers differ, so that somebody must settle it.
        doubtful: cells that nobody answered yet and that are doubtful.
    """
    if critical:
        return "critical"
    if disagreement:
        return "disagreement"
    return "doubt" if doubtful else "routine"


LOW_PLATELETS_PER_UL: Final = 100_000
HIGH_PLATELETS_PER_UL: Final = 450_000
_RED_CELLS_PER_UL: Final = (3_000_000, 6_000_000)
"""Red cells of nearly all adults, severe anemia included: how far a ratio can be off."""


def platelets_contradict(word: str, platelets: int, red_cells: int) -> str:
    """Why a platelet word does not go with the counted cells; empty where it does.

    The ratio of platelets to red cells, with its exact 95 % interval, is taken times few and times
    many red cells; only what is contradicted at both ends is contradicted.

    Args:
        word: ``decreased``, ``adequate`` or ``increased``; others never contradict.
        platelets: counted in the fields that count.
        red_cells: counted in the same fields.
    """
    if not red_cells or word not in ("decreased", "adequate", "increased"):
        return ""
    ratio = ratio_interval(platelets, red_cells)
    low, high = ratio.low * _RED_CELLS_PER_UL[0], ratio.high * _RED_CELLS_PER_UL[1]
    per_red = f"{platelets} platelets to {red_cells} red cells"
    if high < LOW_PLATELETS_PER_UL and word != "decreased":
        return f"{per_red} is few"
    if low > HIGH_PLATELETS_PER_UL and word != "increased":
        return f"{per_red} is many"
    if low > LOW_PLATELETS_PER_UL and word == "decreased":
        return f"{per_red} is not few"
    if high < HIGH_PLATELETS_PER_UL and word == "increased":
        return f"{per_red} is not many"
    return ""


def is_preliminary(leukocytes: int, minimum: int) -> bool:
    """Does a differential rest on fewer white cells than the site asks for."""
    return leukocytes < minimum


def _marks(critical: bool, doubtful: bool) -> tuple[Mark, ...]:
    found: list[Mark] = []
    if critical:
        found.append("critical")
    if doubtful:
        found.append("check")
    return tuple(found)
