"""Agreement on the screen: sentences with intervals first, then the plots they come from."""

import math
from collections.abc import Sequence

import streamlit as st

from core.statistics.agreement import Agreement, Share
from core.statistics.bland_altman import bland_altman
from core.statistics.intervals import Interval
from core.statistics.kappa import Kappa
from core.statistics.passing_bablok import PassingBablok, passing_bablok
from core.taxonomy import title
from pages.parts.agreement import plots as agreement_plots
from pages.parts.plotting import draw_plot
from pages.parts.wording import percent, several

_PARTLY = {
    "maturation": "half for neighbouring stages: immature, band, segmented",
    "linear": "by the distance of the grades",
    "quadratic": "by the squared distance of the grades",
}


def labels(found: Agreement, reference: str, other: str, key: str) -> None:
    """Two readings of the same cells."""
    one, two, three = st.columns(3)
    with one:
        st.metric("Called the same", _share(found.accuracy), border=True)
        st.caption(
            f"{found.accuracy.hits} of {several(found.items, 'cell')}; always the most frequent "
            f"class: {percent(found.majority)}"
        )
    with two:
        st.metric("Cohen's kappa", _kappa(found.plain_kappa), border=True)
        st.caption(_span(found.plain_kappa))
    with three:
        st.metric("Weighted kappa", _kappa(found.weighted_kappa), border=True)
        partly = _PARTLY.get(found.weights, "")
        st.caption(f"{_span(found.weighted_kappa)}. Partly right: {partly}")
    left, right = st.columns([6, 5], gap="large")
    with left:
        draw_plot(
            agreement_plots.confusion(found, reference, other),
            key=f"{key}_table",
            alt=f"Classes of {reference} against those of {other}",
        )
    with right:
        draw_plot(
            agreement_plots.by_class(found),
            key=f"{key}_classes",
            alt="Sensitivity and positive predictive value of each class",
        )
    with st.expander("Every figure of every class"):
        st.dataframe(
            [
                {
                    "Class": title(row.label),
                    "Cells": row.sensitivity.of,
                    "Sensitivity": _share(row.sensitivity, whole=True),
                    "Specificity": _share(row.specificity, whole=True),
                    "Positive predictive value": _share(row.positive_predictive, whole=True),
                    "Negative predictive value": _share(row.negative_predictive, whole=True),
                }
                for row in found.by_class
            ],
            hide_index=True,
        )
    st.caption(
        "Intervals are 95 %, exact for shares. They take cells as independent; those of one smear "
        "are alike, so with few cases they are too narrow."
    )


def numbers(
    reference: Sequence[float],
    other: Sequence[float],
    samples: Sequence[str],
    names: tuple[str, str],
    unit: str,
    key: str,
) -> None:
    """Two measurements of the same samples."""
    if len(reference) < 3:
        st.info(
            f"{several(len(reference), 'pair')}; a comparison of measurements needs at least 3, a "
            "regression at least 5."
        )
        return
    found = bland_altman(reference, other)
    line: PassingBablok | None = None
    try:
        line = passing_bablok(reference, other)
        words = _line(line)
    except ValueError as refusal:
        words = f"No regression: {refusal}."
    inside = f"{found.lower:.2f} to {found.upper:.2f} {unit}"
    st.markdown(
        f"Bias **{found.bias:+.2f}** {unit} ({found.bias_interval.low:+.2f} to "
        f"{found.bias_interval.high:+.2f}), {several(found.pairs, 'pair')}; 95 of 100 differences "
        f"lie within {inside}. {words}"
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.caption("Bland-Altman: difference over mean")
        draw_plot(
            agreement_plots.bland_altman(found, samples, unit),
            key=f"{key}_ba",
            alt="Bland-Altman plot: difference against mean",
        )
    with right:
        st.caption("Passing-Bablok regression")
        draw_plot(
            agreement_plots.passing_bablok(reference, other, line, samples, names),
            key=f"{key}_pb",
            alt="Passing-Bablok regression",
        )


def _line(line: PassingBablok) -> str:
    slope, intercept = line.slope_interval, line.intercept_interval
    words = (
        f"Slope {line.slope:.3f} ({_between(slope, 3)}), intercept "
        f"{line.intercept:.2f} ({_between(intercept, 2)})"
    )
    bias = [
        name
        for name, there in (
            ("a proportional bias", line.proportional_bias),
            ("a constant bias", line.constant_bias),
        )
        if there
    ]
    words += f": {' and '.join(bias)}." if bias else ": no bias beyond chance."
    if not line.linear:
        words += f" The points bend (cusum p = {line.linearity_p:.2g}): do not use the line."
    return words


def _between(span: Interval, digits: int) -> str:
    ends = [
        f"{end:.{digits}f}" if math.isfinite(end) else "no bound" for end in (span.low, span.high)
    ]
    return " to ".join(ends)


def _share(share: Share, *, whole: bool = False) -> str:
    if share.value is None:
        return "not determined"
    if not whole:
        return percent(share.value)
    interval = share.interval
    return f"{percent(share.value)} ({100 * interval.low:.0f} to {100 * interval.high:.0f})"


def _kappa(kappa: Kappa) -> str:
    return "not determined" if kappa.value is None else f"{kappa.value:.2f}"


def _span(kappa: Kappa) -> str:
    if kappa.low is None or kappa.high is None:
        return "One class only: chance alone would always agree"
    return f"95 % interval {kappa.low:.2f} to {kappa.high:.2f}"
