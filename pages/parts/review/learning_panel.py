"""What the signed cases are good for: a training that is due, what was gained, what is leant on."""

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may
from core.review.case import timing
from core.review.case.timing import Period, Quartiles
from core.review.learning import adaptation_offer, training_sets
from core.review.reading import blind
from core.review.record.errors import CaseRefused, PictureLost
from core.review.record.review_store import review_store
from core.taxonomy import title
from pages.parts import signed_in
from pages.parts.wording import percent, plain, several


def draw(who: Person) -> None:
    """Left: learning from corrections. Right: time from upload to signature."""
    left, right = st.columns(2, gap="medium")
    with left.container(border=True, height="stretch"):
        _corrections(who)
    with right.container(border=True, height="stretch"):
        _times(who)


def _corrections(who: Person) -> None:
    st.markdown("**Learning from corrections**")
    found = training_sets.proposal(review_store(), who)
    st.markdown(
        f"{several(found.new_corrections, 'correction')} since the last training set; a training "
        f"is proposed at {found.needed:,}."
    )
    if found.by_class:
        most = sorted(found.by_class.items(), key=lambda item: -item[1])[:3]
        st.caption("Most often: " + ", ".join(f"{title(name).lower()} {n}" for name, n in most))
    notice = st.session_state.pop("learning_notice", None)
    if notice:
        st.info(plain(notice))
    if found.verified_cells and may(who, "train"):
        st.button(
            f"Make a training set of {several(found.verified_cells, 'verified cell')}",
            key="make_training_set",
            type="primary" if found.is_due else "secondary",
            on_click=_make,
        )
        st.page_link("pages/fine_tune.py", label="Train with it", icon=":material/model_training:")


def _make() -> None:
    try:
        made = adaptation_offer.make_set(review_store(), signed_in.person())
        notice = f"{made.name}, version {made.version}: {several(made.items, 'cell')} kept."
    except (NotAllowed, CaseRefused, PictureLost, OSError) as refusal:
        notice = f"No set was made: {refusal}."
    st.session_state["learning_notice"] = notice


def _times(who: Person) -> None:
    st.markdown("**From upload to signature**")
    periods = timing.turnaround(review_store(), who, by="week")
    if not periods:
        st.caption("Shown when the first case is signed.")
        return
    st.table(
        [_line(period) for period in periods[-4:]],
        border="horizontal",
        hide_index=True,
        alt="Time from upload to signature by week",
    )
    st.caption("Median with the middle half. Time per cell as the review screen measured it.")
    found = blind.estimate(review_store(), who)
    if found.error is not None:
        low, high = found.error_interval.low, found.error_interval.high
        st.caption(
            f"Reviewed without the model's answer: {several(found.blind_cells, 'cell')}, in "
            f"{percent(found.error)} ({100 * low:.0f} to {100 * high:.0f}) readers differ from it."
        )


def _line(period: Period) -> dict[str, str]:
    return {
        "Week of": f"{period.start:%d %b %Y}",
        "Cases": str(period.cases),
        "Hours": _words(period.hours, 1),
        "Seconds per cell": _words(period.seconds_per_cell, 1),
    }


def _words(found: Quartiles | None, digits: int) -> str:
    if found is None:
        return "not measured"
    low, middle, high = (f"{v:.{digits}f}" for v in (found.low, found.median, found.high))
    return f"{middle} ({low} to {high})"
