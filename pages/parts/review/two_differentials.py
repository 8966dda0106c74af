"""The machine's differential beside the verified one, with what a person changed marked."""

import pandas as pd
import streamlit as st

from core.access.people import Person
from core.review.case.cases import Case
from core.review.reading.cells import cells
from core.review.record.readings import SETTLING
from core.review.record.review_store import review_store
from core.review.signature.two_readers import reader_shares
from core.review.signature.verified import Verified, verified
from core.settings import settings
from core.slide import judgement
from core.slide.differential import Differential, DifferentialRow
from core.statistics.intervals import Interval
from core.taxonomy import title
from pages.parts.wording import percent, several

_NAMES = {
    "neutrophil": "Neutrophils, all",
    "segmented_neutrophil": "of these segmented",
    "band_neutrophil": "of these bands",
}

_APART, _SAME = "Different cells", "The same cells"


def draw(who: Person, case: Case) -> Verified:
    """The table, and what it rests on; returns what it shows."""
    standing = verified(review_store(), who, case.id)
    in_half = bool(case.halves) and case.reading != SETTLING
    st.markdown(f"**Differential** {_basis(standing, in_half)}")
    st.table(
        _table(standing),
        border="horizontal",
        hide_index=True,
        alt="Differential of the model beside the verified one",
    )
    others = _not_counted(standing.verified)
    st.caption(
        "Intervals: exact 95 % (Clopper and Pearson). The model's column rests on all white cells "
        "it called, the verified one on those reviewed and identified." + others
    )
    _two_readers(who, case)
    return standing


def _two_readers(who: Person, case: Case) -> None:
    """What each reader counted, once both have read; nothing before."""
    if case.reading != SETTLING:
        return
    white = cells(review_store(), who, case.id)
    if not reader_shares(white):
        return
    st.markdown("**The two readers**")
    # Where each read a half there are no cells that both read.
    apart = bool(case.halves) or (
        st.segmented_control(
            "Cells",
            [_APART, _SAME],
            default=_APART,
            required=True,
            key="readers_cells",
            label_visibility="collapsed",
        )
        != _SAME
    )
    rows = reader_shares(white, apart=apart)
    if not rows:
        st.caption("Too few cells for halves.")
        return
    st.table(
        pd.DataFrame(
            {
                "Class": _NAMES.get(row.label, title(row.label)),
                "First": f"{percent(row.first / row.of_first)}, {several(row.first, 'cell')}",
                "Its Rümke's limits": _limits(row.limits),
                "Second": f"{percent(row.second / row.of_second)}, {several(row.second, 'cell')}",
                "Its limits": _limits(row.second_limits),
                "Beyond chance": "" if row.is_within else "outside",
            }
            for row in rows
        ),
        border="horizontal",
        hide_index=True,
        alt="Differentials of the two readers with the limits of each",
    )
    read = "read" if case.halves else "counted on"
    of = f"{several(rows[0].of_first, 'cell')} and {several(rows[0].of_second, 'cell')}"
    st.caption(
        f"Each reader {read} other cells, {of}, as CLSI H20 compares two readers of 200: every "
        "second cell of the case is the first reader's. Outside: neither share lies in the limits "
        "of the other."
        if apart
        else "Both on the same cells. Rümke's limits are for two counts of different cells, so "
        "chance alone divides these less than the limits allow."
    )


def _limits(limits: Interval) -> str:
    return f"{100 * limits.low:.0f} to {100 * limits.high:.0f} %"


def _basis(standing: Verified, in_half: bool) -> str:
    text = f"{standing.reviewed} of {several(standing.white_cells, 'white cell')} reviewed"
    if in_half:
        text = f"Your half: {text}"
    text += f", {standing.changed} changed"
    counted, target = standing.verified.leukocytes, settings().target_cells
    # One word: what is preliminary is below the target too.
    if judgement.is_preliminary(counted, settings().minimum_cells):
        text += f" :orange-badge[preliminary] {counted} of {settings().minimum_cells}"
    elif counted < target:
        text += f" :orange-badge[below target] {counted} of {target}"
    if standing.unidentified:
        text += f", {standing.unidentified} unidentified"
    if standing.differing:
        text += f", {standing.differing} on which the readers differ"
    return text + "."


def _not_counted(counted: Differential) -> str:
    if not counted.not_counted:
        return ""
    others = ", ".join(f"{n} {title(label).lower()}" for label, n in counted.not_counted.items())
    return f" Verified but not counted in it: {others}."


def _table(standing: Verified) -> pd.DataFrame:
    proposed = {row.label: row for row in standing.proposed.rows}
    rows = []
    for row in standing.verified.rows:
        before = proposed.get(row.label)
        rows.append(
            {
                "Class": _NAMES.get(row.label, title(row.label)),
                "Model": _share(before, standing.proposed.leukocytes),
                "Cells": str(before.cells) if before else "",
                "Verified": _share(row, standing.verified.leukocytes),
                "Cells ": str(row.cells),
                "Difference": _difference(before, row, standing),
            }
        )
    return pd.DataFrame(rows)


def _share(row: DifferentialRow | None, total: int) -> str:
    if row is None or not total:
        return "not determined"
    low, high = 100 * row.interval.low, 100 * row.interval.high
    return f"{percent(row.share)} ({low:.0f} to {high:.0f})"


def _difference(before: DifferentialRow | None, row: DifferentialRow, standing: Verified) -> str:
    if before is None or not standing.verified.leukocytes or not standing.proposed.leukocytes:
        return ""
    points = 100 * (row.share - before.share)
    if abs(points) < 0.5:
        return ""
    return f"{points:+.0f} points"
