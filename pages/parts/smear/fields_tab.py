"""Tab Fields: one row each, the one that most needs a person first, and the totals."""

from typing import Any

import pandas as pd
import streamlit as st

from core.records import SmearFinding
from core.slide import judgement
from core.slide.totals import totals, worst_first
from core.taxonomy import KINDS
from pages.parts import wording
from pages.parts.picture import in_page
from pages.parts.smear.session import SmearSession


def draw(session: SmearSession) -> None:
    """Totals over all fields; a table whose rows put a field into the picture."""
    findings = session.findings()
    columns = st.columns(len(KINDS) + 1)
    counted = sum(judgement.is_included(finding) for finding in findings)
    columns[0].metric(
        "Fields", f"{counted} of {len(findings)}" if counted < len(findings) else len(findings)
    )
    out = judgement.left_out_sentence(len(findings), judgement.all_left_out(findings))
    if out:
        st.markdown(f":gray-badge[left out] {wording.plain(out)}")
    # Without a field that counts there are no totals.
    for column, total in zip(columns[1:], totals(findings), strict=False):
        spread = f"mean {total.mean:.1f}, fields {total.lowest} to {total.highest}"
        column.metric(
            f"{wording.SHORT[total.kind]} in all fields",
            f"{total.cells:,}",
            delta=spread,
            delta_color="off",
            delta_arrow="off",
        )
    order = worst_first(findings)
    st.markdown(
        "The field that most needs a person comes first. Choose a row to show its picture; beside "
        "it the field can be left out or taken in."
    )
    st.dataframe(
        _table(session, findings, order),
        hide_index=True,
        key="fields_table",
        on_select=lambda: _picked(session, order),
        selection_mode="single-row",
        row_height=44,
        column_config={
            "Picture": st.column_config.ImageColumn("Picture", width=70),
            "Remarks": st.column_config.TextColumn("Remarks", width="large"),
        },
        alt="Counts and remarks of each field, worst first",
    )


def _picked(session: SmearSession, order: list[int]) -> None:
    state: Any = st.session_state.get("fields_table") or {}
    rows = (state.get("selection") or {}).get("rows") or []
    if rows and rows[0] < len(order):
        session.show(session.order[order[rows[0]]])


def _table(session: SmearSession, findings: list[SmearFinding], order: list[int]) -> pd.DataFrame:
    rows = []
    for place in order:
        finding, key = findings[place], session.order[place]
        reason = judgement.left_out(finding)
        counts = {
            wording.SHORT[kind]: f"{wording.number(value)} ({wording.interval(value)})"
            for kind in KINDS
            for value in [finding.counts.of(kind)]
        }
        rows.append(
            {
                "Picture": in_page(session.known[key].thumbnail),
                "Field": finding.file,
                **counts,
                "Included": "yes"
                if reason is None
                else f"no, {judgement.left_out_words(reason.code)}",
                "Remarks": _remarks(finding),
            }
        )
    return pd.DataFrame(rows)


def _remarks(finding: SmearFinding) -> str:
    unsure = sum(judgement.call_is_doubtful(cell.wbc) for cell in finding.cells)
    words = [f"{judgement.flag_mark(flag)}: {flag.message}" for flag in finding.flags]
    if unsure:
        words.append(f"check: {wording.several(unsure, 'white cell')} without a sure class")
    return "  ".join(words)
