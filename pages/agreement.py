"""Agreement: readers and models held against each other, for any period of signed cases."""

from datetime import UTC, date, datetime, time, timedelta

import streamlit as st

from core.access.people import Person
from core.models.weights import WeightsRefused
from core.review.agreement_pairs import (
    SHARES,
    LabelPairs,
    SignedCases,
    Source,
    count_pairs,
    label_pairs,
    share_pairs,
    signed_cases,
    sources,
)
from core.review.record.errors import PictureLost
from core.review.record.review_store import review_store
from core.statistics.agreement import agreement
from core.store.database import DatabaseRefused, Unavailable
from core.taxonomy import KINDS, title
from pages.parts import signed_in
from pages.parts.agreement import view as agreement_view
from pages.parts.kinds import STYLES
from pages.parts.wording import plain, several

_PERIODS = {"All": None, "Last 30 days": 30, "Last 90 days": 90, "Last year": 365}


def _period(who: Person) -> SignedCases:
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        chosen = st.segmented_control(
            "Signed", [*_PERIODS, "From to"], default="All", required=True, key="agreement_period"
        )
    since = until = None
    if chosen == "From to":
        today = datetime.now(UTC).date()
        span = right.date_input("Period", (today - timedelta(days=30), today), key="agreement_days")
        days = list(span)
        since = _moment(days[0]) if days else None
        until = _moment(days[1]) + timedelta(days=1) if len(days) > 1 else None
    elif _PERIODS[str(chosen)] is not None:
        since = datetime.now(UTC) - timedelta(days=int(_PERIODS[str(chosen)] or 0))
    return signed_cases(review_store(), who, since, until)


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _sides(signed: SignedCases) -> tuple[Source, Source, bool]:
    listed = sources(signed)
    names = [source.title for source in listed]
    models = [n for n, source in enumerate(listed) if source.kind in ("model", "recomputed")]
    place = st.container(key="agreement_sides")
    one, two, three = place.columns([4, 4, 3], vertical_alignment="bottom")
    first = one.selectbox(
        "Reference", range(len(listed)), format_func=lambda n: names[n], key="agreement_reference"
    )
    second = two.selectbox(
        "Compared with",
        range(len(listed)),
        index=models[0] if models else 0,
        format_func=lambda n: names[n],
        key="agreement_other",
    )
    blind = three.toggle(
        "Blind cells only",
        key="agreement_blind",
        help="Cells that were reviewed without the machine's answer: nobody leaned on it.",
    )
    return listed[first], listed[second], blind


def _labels(pairs: LabelPairs, signed: SignedCases, one: Source, two: Source) -> None:
    if not pairs.cells:
        st.info("These two have no cell in common in this period.")
        return
    found = agreement(pairs.reference, pairs.other)
    agreement_view.labels(found, one.title, two.title, "agreement")
    st.subheader("Percent of a class, case by case", anchor=False)
    label = st.selectbox(
        "Class", SHARES, format_func=title, key="agreement_class", label_visibility="collapsed"
    )
    shares = share_pairs(pairs, signed, label)
    agreement_view.numbers(
        shares.reference,
        shares.other,
        shares.samples,
        (one.title, two.title),
        "points",
        "agreement_shares",
    )


def _counts(signed: SignedCases) -> None:
    st.subheader("Cells per field: corrected boxes and the program's count", anchor=False)
    kind = st.segmented_control(
        "Kind", KINDS, default="rbc", required=True, key="agreement_kind",
        format_func=lambda kind: STYLES[kind].title,
        label_visibility="collapsed",
    )  # fmt: skip
    pairs = count_pairs(signed, kind)
    agreement_view.numbers(
        pairs.reference,
        pairs.other,
        pairs.samples,
        ("Corrected", "Program"),
        "cells per field",
        "agreement_counts",
    )


def main() -> None:
    """Draw the screen."""
    who = signed_in.allowed("view")
    st.title("Agreement", anchor=False)
    try:
        signed = _period(who)
    except Unavailable:
        raise  # the navigation says so, and waits
    except DatabaseRefused as refusal:
        st.error(f"Cases cannot be read: {plain(str(refusal))}.", icon=":material/error:")
        return
    if not signed.cells:
        st.info(
            "Here readers and models are held against each other, cell by cell and case by case. "
            "No case was signed in this period; it begins on the worklist."
        )
        st.page_link("pages/worklist.py", label="Worklist", icon=":material/checklist:")
        return
    st.caption(
        f"{several(len(signed.accessions), 'signed case')}, "
        f"{several(len(signed.fields), 'field')}, {several(len(signed.cells), 'white cell')}. "
        "Cells that a side did not answer or could not identify are left out."
    )
    one, two, blind = _sides(signed)
    with st.spinner("Comparing"):
        try:
            pairs = label_pairs(review_store(), who, signed, one, two, blind_only=blind)
        except (WeightsRefused, PictureLost) as refusal:
            st.error(plain(f"{refusal}."), icon=":material/error:")
            return
    _labels(pairs, signed, one, two)
    _counts(signed)


main()
