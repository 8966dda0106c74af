"""Lab acceptance: is the program good enough on this laboratory's own slides."""

import math
from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
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
    measurement_title,
    suggested_for,
    unit_of,
)
from core.review.acceptance.measure import Measured, measure
from core.review.acceptance.records import Acceptance
from core.review.acceptance.report import acceptance_report, bound_words, found_words
from core.review.acceptance.results import MAX_BYTES, LocalResults, ResultsRefused, read_results
from core.review.exchange.contents import slug
from core.review.record.errors import CaseRefused
from core.review.record.review_store import review_store
from core.settings import settings
from core.statistics.agreement import agreement
from core.store.database import DatabaseRefused
from pages.parts import signed_in
from pages.parts.agreement import view as agreement_view
from pages.parts.wording import plain, several

_PICTURES = [ending[1:] for ending in PICTURE_ENDINGS + DICOM_ENDINGS]
_CLASSES = "Class of white cells"
_EXAMPLES = """\
Counts of fields, a line each: `file,slide,rbc,wbc,platelet`

Class of white cells: `file,class` for a field with one of them, `file,class,x0,y0,x1,y1` in pixels
where there are several

Differential of slides, in percent or cells: `slide,segmented_neutrophil,band_neutrophil,lymphocyte`
and so on. A picture belongs to the slide that a column `slide` says, or that its name begins with:
`A12_03.jpg` is of slide `A12`.
"""


def _standing(kept: list[Acceptance]) -> None:
    """Has the pair of models that is live been accepted here."""
    try:
        live = {task: registry.live(task).identity for task in ("locator", "wbc")}
    except WeightsRefused as refusal:
        st.error(plain(str(refusal)), icon=":material/error:")
        return
    mine = [a for a in kept if (a.wbc_model, a.locator_model) == (live["wbc"], live["locator"])]
    shown = f"{plain(live['wbc'])} with {plain(live['locator'])}"
    if not mine:
        st.warning(
            f"The live models, {shown}, have no acceptance in this laboratory yet.",
            icon=":material/fact_check:",
        )
    elif mine[0].accepted:
        st.success(
            f"The live models, {shown}, were accepted on {mine[0].signed_at:%d %b %Y} by "
            f"{plain(mine[0].signed_name)}.",
            icon=":material/check:",
        )
    else:
        st.error(
            f"The live models, {shown}, did not meet the limits of {mine[0].signed_at:%d %b %Y}.",
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
            max_upload_size=math.ceil(limits.max_file_mb),
        )
        st.caption(
            "Slides the models were not trained on, as they come: choosing the good ones makes the "
            f"answer worthless. At most {limits.max_files} files at once."
        )
    with right:
        tables = st.file_uploader(
            "Results of your laboratory (CSV)",
            type=["csv", "tsv", "txt"],
            max_upload_size=MAX_BYTES // 1_000_000,
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
    may_run = may(who, "sign") or may(who, "promote") or may(who, "analyse")
    label = f"Analyse {several(len(pictures), 'field')}" if pictures else "Analyse fields"
    blocked = not (pictures and chosen and may_run)
    if st.button(label, type="primary", disabled=blocked, key="acceptance_analyse"):
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


def _found(measured: Measured) -> None:
    st.subheader("3 What was found", anchor=False)
    st.caption(
        f"{several(measured.fields, 'field')} of {several(measured.slides, 'slide')}, "
        f"{several(measured.white_cells, 'white cell')}; "
        f"of the cells whose class you know {len(measured.labels)} were found, "
        f"{measured.not_found} were not."
    )
    left_out = list(measured.refused)
    if measured.unmatched:
        left_out.append(f"Results without a picture: {', '.join(measured.unmatched[:20])}.")
    if left_out:
        with st.expander(f"{several(len(left_out), 'note')} on what was left out", expanded=True):
            st.markdown("\n".join(f"- :small[{plain(words)}]" for words in left_out))
    names = ([_CLASSES] if measured.labels else []) + [
        measurement_title(name) for name in measured.numbers
    ]
    if not names:
        st.warning("None of the results belongs to one of these pictures: check the file names.")
        return
    chosen = st.segmented_control(
        "Measurement", names, default=names[0], required=True, key="acceptance_shown",
        label_visibility="collapsed",
    )  # fmt: skip
    if chosen == _CLASSES:
        found = agreement([one for one, _ in measured.labels], [two for _, two in measured.labels])
        agreement_view.labels(found, "Laboratory", "Program", "acceptance")
        return
    for name, pairs in measured.numbers.items():
        if measurement_title(name) == chosen:
            agreement_view.numbers(
                pairs["reference"],
                pairs["other"],
                pairs["samples"],
                ("Laboratory", "Program"),
                pairs["unit"],
                f"acceptance_{name}",
            )


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
    if not may(who, "sign"):
        st.caption("Signing takes the role pathologist.")
        return
    with st.form("acceptance_sign", border=False):
        title = st.text_input("Title", placeholder="November 2026, Giemsa", max_chars=120)
        note = st.text_area("Note", height=80, max_chars=2000)
        pressed = st.form_submit_button(
            f"Sign as {plain(who.name)}", type="primary", icon=":material/draw:"
        )
    if pressed:
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


def main() -> None:
    """Draw the screen."""
    who = signed_in.allowed("view")
    st.title("Lab acceptance", anchor=False)
    try:
        kept = records.every(review_store(), who)
    except DatabaseRefused as refusal:
        st.error(f"Acceptances cannot be kept: {plain(str(refusal))}.", icon=":material/error:")
        return
    notice = st.session_state.pop("acceptance_notice", None)
    if notice:
        st.success(plain(notice), icon=":material/check:")
    _standing(kept)
    done: tuple[Measured, list[Limit]] | None = st.session_state.get("acceptance_done")
    if done is None:
        _take(who)
    else:
        _found(done[0])
        _verdict(*done, who)
        if st.button("Put away without signing", icon=":material/delete:", key="acceptance_away"):
            st.session_state.pop("acceptance_done")
            st.rerun()
    _kept(kept)


main()
