"""``python -m core cases``: list, show, verify and replay cases of the review."""

import json
import os
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.commands.case.anchor import Authority, KeyFile, anchor, heads_kept
from core.commands.case.backup import backup, restore
from core.commands.case.export import export
from core.commands.case.queue_gain import queue_gain
from core.commands.case.retention import due, erase, erased
from core.commands.case.watch import watch
from core.commands.terminal import opened_store, stop

if TYPE_CHECKING:
    from core.review.case.cases import Case
    from core.review.record.review_store import ReviewStore

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Cases of the review, and their ledger. Research use: a qualified person decides.",
)

app.command()(export)
app.command()(anchor)
app.command()(backup)
app.command()(restore)
app.command()(erase)
app.command()(erased)
app.command()(due)
app.command()(watch)
app.command(name="queue-gain")(queue_gain)

_HEAD = re.compile(r"[0-9]+:.{64}", re.ASCII)
AsJson = Annotated[bool, typer.Option("--json", help="JSON, one object per line")]
Which = Annotated[str, typer.Argument(metavar="ID", help="accession number, or number of a case")]


@app.command(name="list")
def list_cases(
    every: Annotated[bool, typer.Option("--all", help="signed ones too")] = False,
    search: Annotated[str, typer.Option(help="part of accession, pseudonym, indication")] = "",
    as_json: AsJson = False,
) -> None:
    """List the open cases, the most urgent first."""
    from core.access.people import AT_THE_TERMINAL
    from core.review.case.worklist import OPEN_STATES, worklist
    from core.review.exchange.json_rows import case_row
    from core.store.review_schema import CASE_STATES

    states = CASE_STATES if every else OPEN_STATES
    for row in worklist(
        opened_store(), AT_THE_TERMINAL, search=search, states=states, limit=100_000
    ):
        if as_json:
            print(json.dumps(case_row(row)))
            continue
        has = f", {row.case.assigned_name} has it" if row.case.assigned_name else ""
        print(
            f"{row.case.accession}: {row.case.state.replace('_', ' ')}, {row.priority}, "
            f"{row.reviewed} of {row.white_cells} white cells reviewed in {row.fields} fields{has}"
        )


@app.command()
def orders(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV with a column accession, HL7 v2 ORM^O01, or a folder of such files"
        ),
    ],
) -> None:
    """Make a case of each order; accessions that are cases stay as they are.

    Of a folder each .hl7 and .csv file is read and moved to done or refused below it.
    """
    from core.access.people import AT_THE_TERMINAL
    from core.review.exchange.orders import read_folder, read_orders
    from core.review.record.errors import CaseRefused

    try:
        if file.is_dir():
            dropped = read_folder(opened_store(), AT_THE_TERMINAL, file)
            for one in dropped:
                if one.orders is None:
                    print(f"{one.name}: {one.refusal}.", file=sys.stderr)
                    continue
                for line in one.orders.refused:
                    print(f"{one.name}: {line}", file=sys.stderr)
                print(
                    f"{one.name}: {len(one.orders.made)} cases made, "
                    f"{len(one.orders.known)} were there already."
                )
            if any(one.orders is None or one.orders.refused for one in dropped):
                raise typer.Exit(1)
            return
        found = read_orders(opened_store(), AT_THE_TERMINAL, file.read_bytes())
    except CaseRefused as refusal:
        stop(refusal)
    except OSError as error:
        stop(f"cannot read: {error.strerror or error} ({error.filename})")
    for line in found.refused:
        print(line, file=sys.stderr)
    print(f"{len(found.made)} cases made, {len(found.known)} were there already.")
    if found.refused:
        raise typer.Exit(1)


@app.command()
def show(case_id: Which, as_json: AsJson = False) -> None:
    """Show one case: its state, both differentials, its history."""
    from core.access.people import AT_THE_TERMINAL as WHO
    from core.review.case.cases import case_pictures_of
    from core.review.case.history import history as case_history
    from core.review.signature import signing
    from core.review.signature.verified import verified

    store = opened_store()
    case = _case(store, case_id)
    pictures = case_pictures_of(store, WHO, case.id)
    standing = verified(store, WHO, case.id)
    signed = signing.versions(store, WHO, case.id)
    history = case_history(store, WHO, case.id)
    if as_json:
        keys = ("number", "at", "who_name", "role", "action", "detail", "model", "hash")
        summary: dict[str, object] = {
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
        print(json.dumps(summary, default=str))
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
        str | None, typer.Option(help="a head printed earlier, number:hash, to compare with")
    ] = None,
    anchor_file: Annotated[
        Path | None, typer.Option("--anchor", help="file of lines that cases anchor has written")
    ] = None,
    key: KeyFile = None,
    tsa_ca: Authority = None,
    as_json: AsJson = False,
) -> None:
    """Check every record against the ledger and print the ledger's head, to be kept elsewhere."""
    if head is not None and not _HEAD.fullmatch(head):
        stop(f"--head is number:hash as this command prints it, got {head!r}")
    from core.review.record.integrity import verify as verify_records
    from core.review.record.ledger import Head

    expected = heads_kept(anchor_file, key, tsa_ca)
    if head is not None:
        number, _, digest = head.partition(":")
        expected.append(Head(int(number), digest))
    result = verify_records(opened_store(), expected)
    if as_json:
        print(
            json.dumps(
                {
                    "sound": result.is_sound,
                    "head": str(result.head),
                    "rows": result.rows,
                    "pictures": result.pictures,
                    "erased": result.erased,
                    "tampered": [asdict(one) for one in result.tampered],
                }
            )
        )
    else:
        for one in result.tampered:
            print(f"CHANGED {one.message}", file=sys.stderr)
        sound = (
            "everything matches the ledger"
            if result.is_sound
            else "the records do not match the ledger"
        )
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
    """Compute a signed case's findings again, with the models that were named at signing."""
    from core.access.people import AT_THE_TERMINAL
    from core.review.record.errors import CaseRefused
    from core.review.signature.replay import replay as repeat

    store = opened_store()
    case = _case(store, case_id)
    try:
        rows = repeat(store, AT_THE_TERMINAL, case.id, version)
    except CaseRefused as refusal:
        stop(refusal)
    for row in rows:
        result = {
            "picture": row.picture.name,
            "sha256": row.picture.sha256,
            "models": row.picture.models,
            "identical": row.is_identical,
            "drift": list(row.drift),
            "refused": row.refused,
            "notes": list(row.notes),
        }
        if as_json:
            print(json.dumps(result))
            continue
        verdict = row.refused or "; ".join(row.drift) or "identical"
        notes = f" ({'; '.join(row.notes)})" if row.notes else ""
        print(f"{row.picture.name}: {verdict}{notes}")
    if not all(row.is_identical for row in rows):
        raise typer.Exit(1)


@app.command("get-acquainted", hidden=True)
def get_acquainted(folder: Annotated[Path, typer.Option()]) -> None:
    """Read the fields of a job that the page Get acquainted began."""
    from core.review.learning.acquaintance import acquaintance_worker

    os.nice(5)  # a page that a person waits for goes first
    acquaintance_worker.work(folder)


def _case(store: "ReviewStore", which: str) -> "Case":
    from core.access.people import AT_THE_TERMINAL
    from core.review.case.cases import find
    from core.review.record.errors import CaseRefused

    try:
        return find(store, AT_THE_TERMINAL, which)
    except CaseRefused as refusal:
        stop(refusal)
