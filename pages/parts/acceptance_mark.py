"""The mark beside a model's name: has this laboratory accepted it.

A quiet line where nothing is wrong or the laboratory has never used Lab acceptance, a badge where
the models failed or others were accepted.
"""

import streamlit as st

from core.access.people import Person
from core.records import SmearFinding
from core.review.acceptance import status
from core.review.acceptance.status import LabAcceptance
from core.review.case.cases import Case
from core.review.record.review_store import review_store
from pages.parts.wording import plain


def badge(one: LabAcceptance) -> str:
    """Markdown of the badge with a space behind it; empty where a quiet line is enough."""
    if one.is_quiet:
        return ""
    words = {"failed": ":red-badge[failed here]", "unknown": ":orange-badge[check]"}
    return words.get(one.status, ":orange-badge[not accepted here]") + " "


def draw(name: str, one: LabAcceptance) -> None:
    """One line: the badge, the model's name, and the words of the decision."""
    st.caption(f"{badge(one)}{plain(name)}: {plain(one.words)}.")


def of_finding(finding: SmearFinding) -> None:
    """The line of a smear that was just analysed."""
    names = ", ".join(status.models_of(finding).values())
    draw(f"Models {names}", status.in_review_store().of_finding(finding))


def of_palm(model: str) -> None:
    """The line of a palm that was just read."""
    draw(f"Palm model {model}", status.in_review_store().of({"palm": model}))


def of_case(who: Person, case: Case) -> None:
    """The lines of a case: as at its signature, or as it is now."""
    for one, kinds in status.of_case(review_store(), who, case.id):
        moment = ", at the signature" if case.is_closed else ""
        draw(f"Models of the {' and '.join(kinds)}{moment}", one)
