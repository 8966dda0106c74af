"""Lab acceptance: is the program good enough on this laboratory's own slides."""

from dataclasses import replace
from functools import partial
from typing import Final

import pandas as pd
import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, Right, may
from core.access.upload_limits import MIB
from core.imaging.folders import DICOM_ENDINGS, PICTURE_ENDINGS
from core.inference.batch import Source, uploads
from core.models import registry
from core.models.weights import WeightsRefused
from core.review.acceptance import records
from core.review.acceptance.limits import (
    Limit,
    accepted,
    figure_title,
    is_percent,
    judged,
    suggested_for,
    unit_of,
)
from core.review.acceptance.measure import measure
from core.review.acceptance.measured import Measured
from core.review.acceptance.records import Acceptance
from core.review.acceptance.report import acceptance_report, bound_words, found_words
from core.review.acceptance.results import MAX_BYTES, LocalResults, ResultsRefused, read_results
from core.review.acceptance.status import acceptances_in, who_may_accept
from core.review.exchange.contents import slug
from core.review.record.errors import CaseRefused
from core.review.record.review_store import review_store
from core.settings import settings
from core.store.database import DatabaseRefused, Unavailable
from pages.parts import pressed, signed_in, upload_limits
from pages.parts.agreement import acceptance_found
from pages.parts.wording import plain, several

_MAY_RUN: Final[tuple[Right, ...]] = ("accept", "promote", "analyse")
_PICTURES = [ending[1:] for ending in PICTURE_ENDINGS + DICOM_ENDINGS]
_EXAMPLES = """\
Counts of fields, a line each: `file,slide,rbc,wbc,platelet`

Class of white cells: `file,class` for a field with one of them, `file,class,x0,y0,x1,y1` in pixels
where there are several

Differential of slides, in percent or cells: `slide,segmented_neutrophil,band_neutrophil,lymphocyte`
and so on. A picture belongs to the slide that a column `slide` says, or that its name begins with:
`A12_03.jpg` is of slide `A12`.
"""


def _standing() -> None:
    """Has the pair of models that is live been accepted here."""
    try:
        live = {task: registry.live(task).identity for task in ("locator", "wbc")}
    except WeightsRefused as refusal:
        st.error(plain(str(refusal)), icon=":material/error:")
        return
    with review_store().database.read() as connection:
        found = acceptances_in(connection).of(live)
    shown = f"{plain(live['wbc'])} with {plain(live['locator'])}"
    if found.signed is None:
        st.warning(
            f"The live models, {shown}, have no acceptance in this laboratory yet.",
            icon=":material/fact_check:",
        )
    elif found.status == "accepted":
        st.success(
            f"The live models, {shown}, were accepted on {found.signed.signed_at:%d %b %Y} by "
            f"{plain(found.signed.signed_name)}.",
            icon=":material/check:",
        )
    else:
        st.error(
            f"The live models, {shown}, did not meet the limits of "
            f"{found.signed.signed_at:%d %b %Y}, signed by {plain(found.signed.signed_name)}.",
            icon=":material/block:",
        )


def _take(who: Person) -> None:
    st.subheader("1 Slides and your own results", anchor=False)
    left, right = st.columns(2, gap="large")
    limits = settings()
    number = st.session_state.get("acceptance_intake", 0)
    with left:
        pictures = st.file_uploader(
            "Fields of your slides",
            type=_PICTURES,
            accept_multiple_files=True,
            key=f"acceptance_pictures_{number}",
            max_upload_size=upload_limits.at_most(limits.max_file_mb),
        )
        st.caption(
            "Slides the models were not trained on, as they come: choosing the good ones makes the "
            f"answer worthless. At most {limits.max_files} files at once."
        )
    with right:
        tables = st.file_uploader(
            "Results of your laboratory (CSV)",
            type=["csv", "tsv", "txt"],
            max_upload_size=upload_limits.at_most(MAX_BYTES / MIB),
            accept_multiple_files=True,
            key=f"acceptance_results_{number}",
        )
        with st.expander("What the files look like"):
            st.markdown(_EXAMPLES)
    if not tables:
        st.button("Analyse fields", type="primary", disabled=True, key="acceptance_analyse")
        return
    try:
        results = read_results([(file.name, file.getvalue()) for file in tables])
    except ResultsRefused as refusal:
        st.error(plain(str(refusal)), icon=":material/warning:")
        return
    chosen = _limits(results, number)
    may_run = any(may(who, right) for right in _MAY_RUN)
    label = f"Analyse {several(len(pictures), 'field')}" if pictures else "Analyse fields"
    blocked = not (pictures and chosen and may_run)
    st.button(
        label,
        type="primary",
        disabled=blocked,
        key="acceptance_analyse",
        on_click=pressed.keep,
        args=("acceptance_analyse",),
    )
    if pressed.take("acceptance_analyse") and not blocked:
        sources = uploads([(file.name, file.getvalue()) for file in pictures], limits)
        _analyse(sources, results, chosen)
        st.session_state["acceptance_intake"] = number + 1
        st.rerun()


def _analyse(sources: list[Source], results: LocalResults, chosen: list[Limit]) -> None:
    bar = st.progress(0.0, text="Analysing")

    def progress(done: int, total: int, name: str) -> None:
        bar.progress(
            done / max(1, total), text=f"Analysing {plain(name)}, {min(done + 1, total)} of {total}"
        )

    try:
        found = measure(sources, results, registry.smear_models(), progress)
        st.session_state["acceptance_done"] = found, chosen
    except WeightsRefused as refusal:
        st.error(plain(str(refusal)), icon=":material/error:")
        st.stop()


def _limits(results: LocalResults, number: int) -> list[Limit]:
    """The limits, chosen before anything is known that they could be fitted to."""
    st.subheader("2 Your limits", anchor=False)
    st.caption(
        "Suggestions of this program, no standard: switch off what you do not need and set your "
        "own bounds. They are fixed when the analysis starts."
    )
    suggested = suggested_for(results)
    table = pd.DataFrame(
        {
            "use": [True for _ in suggested],
            "title": [figure_title(limit.figure) for limit in suggested],
            "direction": [limit.direction for limit in suggested],
            "bound": [
                limit.bound * (100 if is_percent(limit.figure) else 1) for limit in suggested
            ],
            "unit": [unit_of(limit.figure) for limit in suggested],
        }
    )
    edited = st.data_editor(
        table,
        hide_index=True,
        height="content",
        key=f"acceptance_limits_{number}",
        disabled=("title", "direction", "unit"),
        column_config={
            "use": st.column_config.CheckboxColumn("Use", width="small"),
            "title": st.column_config.TextColumn("Figure", width="medium"),
            "direction": st.column_config.TextColumn("Limit", width="small"),
            "bound": st.column_config.NumberColumn(
                "Bound", min_value=0.0, step=0.01, required=True, width="small"
            ),
            "unit": st.column_config.TextColumn("Unit", width="small"),
        },
    )
    return [
        replace(limit, bound=float(bound) / (100 if is_percent(limit.figure) else 1))
        for limit, use, bound in zip(suggested, edited["use"], edited["bound"], strict=True)
        if use and pd.notna(bound)
    ]


def _verdict(measured: Measured, limits: list[Limit], who: Person) -> None:
    st.subheader("4 Verdict and signature", anchor=False)
    verdicts = judged(measured.figures, limits)
    marks = {True: ":green[met]", False: ":red[not met]", None: ":orange[not determined]"}
    lines = ["| Figure | Limit | Found (95 % interval) | Verdict |", "|---|---|---|---|"]
    for verdict in verdicts:
        limit = verdict.limit
        words = marks[verdict.met] + (
            "" if verdict.met is not True or verdict.sure else ", not beyond chance"
        )
        lines.append(
            f"| {figure_title(limit.figure)} "
            f"| {bound_words(limit.figure, limit.direction, limit.bound)} "
            f"| {found_words(verdict)} | {words} |"
        )
    st.markdown("\n".join(lines))
    if accepted(verdicts):
        st.success("Every chosen limit is met.", icon=":material/check:")
    else:
        st.error("Not every chosen limit is met.", icon=":material/block:")
    if not may(who, "accept"):
        st.info(plain(who_may_accept(review_store(), who)), icon=":material/lock:")
        return
    with st.form("acceptance_sign", border=False):
        title = st.text_input("Title", placeholder="November 2026, Giemsa", max_chars=120)
        note = st.text_area("Note", height=80, max_chars=2000)
        st.form_submit_button(
            f"Sign as {plain(who.name)}",
            type="primary",
            icon=":material/draw:",
            on_click=pressed.keep,
            args=("acceptance_sign",),
        )
    if pressed.take("acceptance_sign"):
        try:
            kept = records.sign(review_store(), who, title, measured, limits, note)
        except (CaseRefused, NotAllowed) as refusal:
            st.error(plain(f"{refusal}."), icon=":material/error:")
            return
        st.session_state.pop("acceptance_done")
        st.session_state["acceptance_notice"] = f"Acceptance {kept.id} is signed and kept."
        st.rerun()


def _kept(kept: list[Acceptance]) -> None:
    st.subheader("Signed acceptances", anchor=False)
    if not kept:
        st.caption("None yet.")
        return
    for one in kept[:20]:
        words, file = st.columns([5, 1], vertical_alignment="center")
        met = sum(verdict.met is True for verdict in one.verdicts)
        mark = ":green-badge[accepted]" if one.accepted else ":red-badge[not accepted]"
        words.markdown(
            f"{mark} **{plain(one.title)}**, {met} of {several(len(one.verdicts), 'limit')} met  \n"
            f":small[{plain(one.wbc_model)}, {plain(one.locator_model)}; "
            f"{several(one.measured.fields, 'field')}; signed by {plain(one.signed_name)}, "
            f"{one.signed_at:%d %b %Y %H:%M} UTC; ledger entry {one.entry}]"
        )
        file.download_button(
            "PDF",
            data=partial(acceptance_report, one, settings()),
            file_name=f"acceptance-{one.id}-{slug(one.title)}.pdf",
            mime="application/pdf",
            key=f"acceptance_pdf_{one.id}",
            icon=":material/picture_as_pdf:",
            on_click="ignore",
            width="stretch",
        )


def _put_away() -> None:
    st.session_state.pop("acceptance_done", None)


def main() -> None:
    """Draw the screen."""
    who = signed_in.allowed("view")
    st.title("Lab acceptance", anchor=False)
    try:
        kept = records.every(review_store(), who)
    except Unavailable:
        raise  # the navigation says so, and waits
    except DatabaseRefused as refusal:
        st.error(f"Acceptances cannot be kept: {plain(str(refusal))}.", icon=":material/error:")
        return
    notice = st.session_state.pop("acceptance_notice", None)
    if notice:
        st.success(plain(notice), icon=":material/check:")
    _standing()
    done: tuple[Measured, list[Limit]] | None = st.session_state.get("acceptance_done")
    if done is None:
        _take(who)
    else:
        acceptance_found.draw(done[0])
        _verdict(*done, who)
        st.button(
            "Put away without signing",
            icon=":material/delete:",
            key="acceptance_away",
            on_click=_put_away,
        )
    _kept(kept)


main()
