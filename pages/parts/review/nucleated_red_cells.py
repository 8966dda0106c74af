"""Nucleated red cells of a reviewed case, and the analyser's white count corrected for them."""

import streamlit as st

from core.review.case.cases import Case
from core.review.signature.verified import Verified
from core.slide.blood_count import corrected_range, per_100_wbc
from pages.parts.wording import rounded


def draw(case: Case, standing: Verified) -> None:
    """Nothing where no nucleated red cell was verified."""
    found = standing.verified.not_counted.get("erythroblast", 0)
    share = per_100_wbc(found, standing.verified.leukocytes)
    if not found or share is None:
        return
    st.markdown(
        f"**Nucleated red cells** {share.value:.1f} per 100 white cells "
        f"({share.low:.1f} to {share.high:.1f}), {found} verified."
    )
    entry, answer = st.columns([2, 3], vertical_alignment="bottom")
    wbc = entry.number_input(
        "Analyser's WBC, per \u00b5L",
        0,
        1_000_000,
        0,
        100,
        key=f"analyser_wbc_{case.id}",
        help="Some analysers count nucleated red cells as white cells. WBC x 100 / (100 + NRBC). "
        "Leave it at 0 where yours subtracts them already. It is not kept with the case.",
    )
    if wbc:
        less = corrected_range(wbc, share)
        answer.markdown(
            f"Corrected: **{rounded(less.value)} per \u00b5L** "
            f"({rounded(less.low)} to {rounded(less.high)})"
        )
    else:
        answer.caption("Enter it to correct it for them.")
