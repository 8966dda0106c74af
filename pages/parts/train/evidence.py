"""Champion and challenger on one locked test set: dots with intervals, and the numbers in words."""

from statistics import mean, stdev

import streamlit as st

from core.taxonomy import title
from core.training.promote.evidence import Comparison, OnFields, OnOneSet
from pages.parts.plotting import draw_plot
from pages.parts.train import paired_plot
from pages.parts.wording import percent, plain, several


def draw(one: OnOneSet | OnFields, place: int) -> None:
    """One set; ``place`` tells its widgets from those of the others."""
    if isinstance(one, OnOneSet):
        _cells(one, place)
    else:
        _fields(one, place)


def exactly(found: Comparison) -> None:
    """What was compared, by the hashes that a promotion is held to."""
    with st.expander("What exactly was compared"):
        files = [
            {"What": which, "File": f"…{suffix}", "SHA-256": sha256}
            for which, hashes in found.compared.models.items()
            for suffix, sha256 in hashes.items()
        ]
        sets = [
            {"What": "test set", "File": one.title, "SHA-256": one.sha256}
            for one in found.sets.values()
        ]
        code = {
            "What": "program",
            "File": f"commit {found.compared.code[:12]}",
            "SHA-256": found.compared.sources,
        }
        st.dataframe([*files, *sets, code], hide_index=True, height=220)


def _cells(one: OnOneSet, place: int) -> None:
    paired = one.accuracy
    st.markdown(f"**{plain(one.title)}**, {several(paired.items, 'cell')}")
    draw_plot(
        paired_plot.dots(one), key=f"paired_{place}", alt="Cells right, live model and challenger"
    )
    if one.folds:
        st.caption(_spread(one))
    st.caption(
        f"Right: live {percent(one.champion)}, challenger {percent(one.challenger)}; difference "
        f"{100 * paired.difference:+.1f} points ({100 * paired.low:+.1f} to "
        f"{100 * paired.high:+.1f}). It alone was right in {paired.only_challenger} cells, the "
        f"live model alone in {paired.only_champion} (McNemar p = {paired.p:.2g}). Calibration "
        f"error {one.calibration[0]:.3f} and {one.calibration[1]:.3f}. Left to a person: "
        f"{percent(one.asked[0])} and {percent(one.asked[1])} of the cells; held for unlike "
        f"anything learnt: {percent(one.novel[0])} and {percent(one.novel[1])}."
    )


def _spread(one: OnOneSet) -> str:
    """Mean and spread over the folds of a cross-validation, both models."""
    words = [
        f"{name} {percent(mean(shares))} (fold by fold {percent(min(shares))} to "
        f"{percent(max(shares))}, standard deviation {100 * stdev(shares):.1f} points)"
        for name, shares in zip(("live", "challenger"), zip(*one.folds, strict=True), strict=True)
        if len(shares) > 1
    ]
    return f"Mean of {len(one.folds)} folds: {'; '.join(words)}."


def _fields(one: OnFields, place: int) -> None:
    all_kinds = one.errors
    st.markdown(f"**{plain(one.title)}**, {several(all_kinds.items, 'field')}")
    rows = {"All kinds": all_kinds, **{title(kind): row for kind, row in one.kinds.items()}}
    draw_plot(
        paired_plot.error_changes(rows),
        key=f"errors_{place}",
        alt="Change of the count error of each kind",
    )
    st.caption(
        f"Count error of all kinds, cells a field: live {all_kinds.champion:.2f}, challenger "
        f"{all_kinds.challenger:.2f}, always the set's medians {one.constant:.2f}. Change "
        f"{all_kinds.difference:+.2f} ({all_kinds.low:+.2f} to {all_kinds.high:+.2f}, paired "
        f"bootstrap). True counts inside the intervals: {percent(one.covered[0])} and "
        f"{percent(one.covered[1])}."
    )
