"""``python -m core cases``: the review from a terminal: list, show, verify, replay."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from core.commands.case_export import export

if TYPE_CHECKING:
    from core.review.case.cases import Case
    from core.review.record.review_store import ReviewStore

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Cases of the review, and their ledger. Research use: a qualified person decides.",
)

app.command()(export)

AsJson = Annotated[bool, typer.Option("--json", help="JSON, one object per line")]
Which = Annotated[str, typer.Argument(metavar="ID", help="accession number, or number of a case")]


@app.command(name="list")
def list_cases(
    every: Annotated[bool, typer.Option("--all", help="signed ones too")] = False,
    search: Annotated[str, typer.Option(help="part of accession, pseudonym, indication")] = "",
    as_json: AsJson = False,
) -> None:
    """Open cases, the most urgent first."""
    from core.access.people import AT_THE_TERMINAL
    from core.review.case.worklist import OPEN_STATES, worklist
    from core.store.review_schema import CASE_STATES

    states = CASE_STATES if every else OPEN_STATES
    for row in worklist(_desk(), AT_THE_TERMINAL, search=search, states=states, limit=100_000):
        said = {
            "id": row.case.id,
            "accession": row.case.accession,
            "state": row.case.state,
            "version": row.case.version,
            "priority": row.priority,
            "fields": row.fields,
            "palms": row.palms,
            "white_cells": row.white_cells,
            "reviewed": row.reviewed,
            "critical": row.critical,
            "assigned_to": row.case.assigned_name,
            "created_at": row.case.created_at.isoformat(),
        }
        if as_json:
            print(json.dumps(said))
            continue
        has = f", {row.case.assigned_name} has it" if row.case.assigned_name else ""
        print(
            f"{row.case.accession}: {row.case.state.replace('_', ' ')}, {row.priority}, "
            f"{row.reviewed} of {row.white_cells} white cells reviewed in {row.fields} fields{has}"
        )


@app.command()
def show(case_id: Which, as_json: AsJson = False) -> None:
    """One case: where it stands, both differentials, what happened to it."""
    from core.access.people import AT_THE_TERMINAL as WHO
    from core.review.case import history as told
    from core.review.case.cases import case_pictures_of
    from core.review.signature import signing
    from core.review.signature.verified import verified

    store = _desk()
    case = _case(store, case_id)
    pictures = case_pictures_of(store, WHO, case.id)
    standing = verified(store, WHO, case.id)
    signed = signing.versions(store, WHO, case.id)
    history = told.history(store, WHO, case.id)
    if as_json:
        keys = ("number", "at", "who_name", "role", "action", "detail", "model", "hash")
        said: dict[str, Any] = {
            "case": asdict(case),
            "pictures": [
                {k: v for k, v in asdict(picture).items() if k != "finding_text"}
                for picture in pictures
            ],
            "proposed": asdict(standing.proposed),
            "verified": asdict(standing.verified),
            "signatures": [s.snapshot for s in signed],
            "history": [{key: getattr(entry, key) for key in keys} for entry in history],
        }
        print(json.dumps(said, default=str))
        return
    print(f"{case.accession} (number {case.id}): {case.state.replace('_', ' ')}")
    print(f"version {case.version}, {case.pseudonym or 'no pseudonym'}, {case.sex}")
    for picture in pictures:
        models = ", ".join(f"{k} {v}" for k, v in sorted(picture.models.items()))
        print(f"  {picture.kind} {picture.name}: {picture.sha256[:12]}, {models}")
    print(
        f"{standing.reviewed} of {standing.white_cells} white cells reviewed, "
        f"{standing.changed} changed, {standing.unidentified} unidentified"
    )
    for row in standing.verified.rows:
        if row.cells:
            low, high = (100 * value for value in (row.interval.low, row.interval.high))
            print(f"  {row.label}: {100 * row.share:.0f} % ({low:.0f} to {high:.0f})")
    for signature in signed:
        reason = f", because: {signature.reason}" if signature.reason else ""
        print(
            f"version {signature.version} signed by {signature.signed_name} at "
            f"{signature.signed_at:%Y-%m-%d %H:%M} UTC{reason}"
        )
    for entry in history:
        detail = f": {entry.detail}" if entry.detail else ""
        print(f"  {entry.number} {entry.at} {entry.who_name} {entry.action}{detail}")


@app.command()
def verify(
    head: Annotated[
        str | None, typer.Option(help="a head noted earlier, number:hash, to hold it against")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Is everything as the ledger has it; prints its head, to be noted elsewhere."""
    from core.review.record.integrity import verify as look
    from core.review.record.ledger import Head

    expected = None
    if head is not None:
        number, _, digest = head.partition(":")
        if not number.isdecimal() or len(digest) != 64:
            _stop(f"--head is number:hash as this command prints it, got {head!r}")
        expected = Head(int(number), digest)
    result = look(_desk(), expected)
    if as_json:
        print(
            json.dumps(
                {
                    "sound": result.is_sound,
                    "head": str(result.head),
                    "rows": result.rows,
                    "pictures": result.pictures,
                    "tampered": [asdict(one) for one in result.tampered],
                }
            )
        )
    else:
        for one in result.tampered:
            print(f"CHANGED {one.message}", file=sys.stderr)
        sound = "all as the ledger has it" if result.is_sound else "not as the ledger has it"
        print(
            f"{result.head.entries} entries, {result.rows} rows, {result.pictures} pictures: "
            f"{sound}\nhead {result.head}"
        )
    if not result.is_sound:
        raise typer.Exit(1)


@app.command()
def replay(
    case_id: Which,
    version: Annotated[int | None, typer.Option(help="which signed version (the last)")] = None,
    as_json: AsJson = False,
) -> None:
    """Compute a signed case's findings again from the stored pictures by the named models."""
    from core.access.people import AT_THE_TERMINAL
    from core.review.record.errors import CaseRefused
    from core.review.signature.replay import replay as repeat

    store = _desk()
    case = _case(store, case_id)
    try:
        rows = repeat(store, AT_THE_TERMINAL, case.id, version)
    except CaseRefused as refusal:
        _stop(str(refusal))
    for row in rows:
        said = {
            "picture": row.picture.name,
            "sha256": row.picture.sha256,
            "models": row.picture.models,
            "identical": row.is_identical,
            "drift": list(row.drift),
            "refused": row.refused,
            "notes": list(row.notes),
        }
        if as_json:
            print(json.dumps(said))
            continue
        verdict = row.refused or "; ".join(row.drift) or "identical"
        notes = f" ({'; '.join(row.notes)})" if row.notes else ""
        print(f"{row.picture.name}: {verdict}{notes}")
    if not all(row.is_identical for row in rows):
        raise typer.Exit(1)


@app.command(name="queue-gain")
def queue_gain(
    data: Annotated[
        Path | None, typer.Option(help="folder of the public sets (default: HEMADESK_DATA)")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="beginnings of each order")] = 3,
) -> None:
    """Labels that the queue saves against random order, measured on PBC; takes some minutes."""
    from statistics import median

    from core.settings import settings
    from core.studies import queue_gain as gain

    folder = data or settings().data
    try:
        drawn = gain.draw(folder)
        mixtures = {
            "PBC's own mixture": gain.mixture_of(drawn, folder),
            "a mixture as in blood": gain.BLOOD,
        }
    except FileNotFoundError as error:
        _stop(str(error))
    for title, mixture in mixtures.items():
        found = gain.examples(drawn, mixture)
        print(f"{title}: {len(found.pool)} cells to choose from, {len(found.test)} test cells")
        for name, choose in gain.CHOOSERS.items():
            curve = gain.simulate(found, choose, name, repeats)
            ends = {n: curve.recall[:, curve.labels.index(n)] for n in (80, 160, 240)}
            shown = ", ".join(
                f"{n} labels {100 * float(median(v)):.1f} % "
                f"({100 * v.min():.1f} to {100 * v.max():.1f})"
                for n, v in ends.items()
            )
            needed = ", ".join(
                f"{100 * goal:.0f} %: {median(curve.needed(goal)):.0f} "
                f"({min(curve.needed(goal)):.0f} to {max(curve.needed(goal)):.0f})"
                for goal in (0.5, 0.55, 0.6, 0.65, 0.7)
            )
            print(f"  {name}: mean recall at {shown}; labels to reach {needed}", flush=True)


def _desk() -> "ReviewStore":
    from core.review.record.review_store import review_store
    from core.store.database import DatabaseRefused

    try:
        return review_store()
    except DatabaseRefused as refusal:
        _stop(str(refusal))


def _case(store: "ReviewStore", which: str) -> "Case":
    from core.access.people import AT_THE_TERMINAL
    from core.review.case.cases import find
    from core.review.record.errors import CaseRefused

    try:
        return find(store, AT_THE_TERMINAL, which)
    except CaseRefused as refusal:
        _stop(str(refusal))


def _stop(message: str) -> NoReturn:
    """Say what is wrong in one sentence and leave with status 2."""
    print(message, file=sys.stderr)
    raise typer.Exit(2)
