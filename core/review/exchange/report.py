"""The PDF report of a case: findings with intervals, critical cells, models, signature, ledger."""

from __future__ import annotations

from typing import Final

from core.review.exchange.contents import CaseContents, in_signed_words
from core.review.exchange.notes import (
    acceptance_sentences,
    has_acceptance_mark,
    palm_sentences,
    readers_sentences,
)
from core.review.exchange.paper import CRITICAL, GREY, Paper
from core.review.exchange.report_findings import (
    abnormalities,
    counts,
    critical,
    differential,
    morphology,
    typical,
    white_cells,
)
from core.review.exchange.report_page import ReportForm, ReportPage
from core.review.signature.release import release_sentence
from core.settings import Settings

_MOST_HASHES: Final = 20


@in_signed_words
def case_report(contents: CaseContents, settings: Settings) -> bytes:
    """The report as a PDF; a draft carries DRAFT across every page.

    Raises:
        PictureLost: if a stored picture is gone or was changed.
    """
    paper = Paper(
        _title(contents),
        _reference(contents),
        settings,
        draft=contents.is_draft,
        made_at=contents.signature.signed_at if contents.signature else contents.made_at,
    )
    _write(paper, contents)
    return paper.done()


@in_signed_words
def case_page(contents: CaseContents, settings: Settings) -> str:
    """The report of :func:`case_report` as HTML, for the screen.

    Raises:
        PictureLost: if a stored picture is gone or was changed.
    """
    page = ReportPage(
        _title(contents), _reference(contents), settings.laboratory, draft=contents.is_draft
    )
    _write(page, contents)
    return page.done()


def _write(paper: ReportForm, contents: CaseContents) -> None:
    _who(paper, contents)
    if contents.fields:
        critical(paper, contents)
        differential(paper, contents)
        counts(paper, contents)
        morphology(paper, contents)
        abnormalities(paper, contents)
        typical(paper, contents)
    _palms(paper, contents)
    _readers(paper, contents)
    _comments(paper, contents)
    _signature(paper, contents)
    _origin(paper, contents)


def _reference(contents: CaseContents) -> str:
    return f"Case {contents.case.accession}, version {contents.case.version}"


def _title(contents: CaseContents) -> str:
    if not contents.fields:
        return "Palm report"
    return "Preliminary blood smear report" if contents.is_preliminary else "Blood smear report"


def _who(paper: ReportForm, contents: CaseContents) -> None:
    case, signed = contents.case, contents.signature
    age = "not given" if case.age_years is None else f"{case.age_years} years"
    paper.facts(
        (
            ("Accession number", case.accession),
            ("Pseudonym", case.pseudonym),
            ("Sex", case.sex if case.sex != "unknown" else "not given"),
            ("Age", age),
            ("Received", f"{case.created_at:%d %b %Y %H:%M} UTC"),
            ("Version", str(case.version)),
        ),
        columns=3,
    )
    paper.facts((("Indication", case.indication),), columns=1)
    if signed is None:
        paper.say(
            f"Draft of {contents.made_at:%d %b %Y %H:%M} UTC, not signed: "
            f"{contents.standing.reviewed} of {white_cells(contents.standing.white_cells)} "
            "reviewed.",
            bold=True,
            colour=CRITICAL,
        )
    else:
        paper.say(
            f"Signed by {signed.signed_name}, {signed.signed_at:%d %b %Y %H:%M} UTC.", bold=True
        )
    if contents.released:
        paper.say(release_sentence(contents.released), bold=True, colour=CRITICAL)


def _palms(paper: ReportForm, contents: CaseContents) -> None:
    *sentences, last = palm_sentences(contents) or [""]
    if not sentences:
        return
    paper.heading("Palm")
    for sentence in sentences:
        paper.say(sentence)
    paper.small(last)


def _readers(paper: ReportForm, contents: CaseContents) -> None:
    sentences = readers_sentences(contents)
    if not sentences:
        return
    paper.heading("Readers")
    for sentence in sentences:
        paper.say(sentence)


def _comments(paper: ReportForm, contents: CaseContents) -> None:
    if not contents.remarks:
        return
    paper.heading("Comments")
    fields = {picture.id: n for n, picture in enumerate(contents.fields, start=1)}
    for remark in contents.remarks:
        where = f"Field {fields[remark.picture_id]}: " if remark.picture_id in fields else ""
        if remark.cell_id is not None:
            where = f"Cell {remark.cell_id}, {where[0].lower()}{where[1:]}" if where else "Cell: "
        paper.say(f"{where}{remark.text}")
        paper.small(f"{remark.author_name}, {remark.written_at:%d %b %Y %H:%M} UTC")


def _origin(paper: ReportForm, contents: CaseContents) -> None:
    paper.heading("What computed it")
    named = sorted({(k, v) for picture in contents.pictures for k, v in picture.models.items()})
    codes = sorted({picture.code_version for picture in contents.pictures})
    words = "; ".join(f"{task} {identity}" for task, identity in named)
    paper.small(f"Models: {words or 'none'}. Program version {', '.join(codes) or 'none'}.")
    for sentence in acceptance_sentences(contents):
        if has_acceptance_mark(contents):
            paper.say(sentence, bold=True, colour=CRITICAL)
        else:
            paper.small(sentence)
    names = [picture.sha256[:12] for picture in contents.pictures[:_MOST_HASHES]]
    more = len(contents.pictures) - len(names)
    number = len(contents.pictures)
    paper.small(
        f"{number} picture{'' if number == 1 else 's'}, kept by the SHA-256 of their content: "
        + ", ".join(names)
        + (f" and {more} more in the signed content." if more else ".")
    )


def _signature(paper: ReportForm, contents: CaseContents) -> None:
    signed = contents.signature
    paper.heading("Signature")
    if signed is None:
        paper.say("Not signed.", bold=True, colour=CRITICAL)
    else:
        paper.say(
            f"{signed.signed_name}, {signed.signed_at:%d %b %Y %H:%M:%S} UTC, "
            f"version {signed.version}.",
            bold=True,
        )
        if signed.reason and not contents.released:
            paper.say(f"Stated at signing: {signed.reason}")
        paper.say(f"Signed content, SHA-256 {signed.snapshot_sha256}", size=7.5, colour=GREY)
    if contents.ledger:
        paper.say(
            f"Ledger entry {contents.ledger.entries}, {contents.ledger.hash}",
            size=7.5,
            colour=GREY,
        )
