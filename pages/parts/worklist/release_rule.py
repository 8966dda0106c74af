"""A release rule: tried on the cases that people signed, turned on, and used to sign a batch."""

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed
from core.review.record.errors import CaseRefused
from core.review.record.review_store import review_store
from core.review.signature import release
from core.review.signature.release import Releasable, StandingRule
from core.review.signature.release_rule import CONDITIONS, Rule, try_rule
from core.settings import settings
from core.store.database import DatabaseRefused
from core.taxonomy import title
from pages.parts import signed_in
from pages.parts.wording import plain, several

_NOTICE = "release_notice"


def draw(who: Person) -> None:
    """The cases that meet the rule which is on; the conditions, and what a rule would have done."""
    for words in st.session_state.pop(_NOTICE, ()):
        st.warning(plain(words))
    standing = release.standing_rule(review_store(), who)
    if standing is not None:
        _batch(who, standing)
        st.divider()
    _trial(who, standing)


def _batch(who: Person, standing: StandingRule) -> None:
    rule = standing.rule
    st.markdown(
        f"**Rule {standing.number} is on**: {', '.join(rule.conditions)}; at least "
        f"{several(rule.minimum_cells, 'cell')}. Turned on by {plain(standing.made_name)} on "
        f"{standing.made_at:%d %b %Y}: {standing.trial}"
    )
    found = release.releasable(review_store(), who)
    if not found:
        st.info("No open case meets the rule. Cases that somebody has begun to read are left out.")
    else:
        by_id = {one.case.id: one for one in found}
        chosen = st.multiselect(
            "Cases to sign", list(by_id), default=list(by_id),
            format_func=lambda number: by_id[number].case.accession,
            key=f"release_cases_{hash(tuple(by_id))}",
        )  # fmt: skip
        st.table(
            [_row(one) for one in found if one.case.id in chosen],
            border="horizontal",
            hide_index=True,
            alt="Cases that meet the release rule",
        )
        st.caption(
            "Percent as the program found them. The report of each case says that it was signed in "
            "a batch under this rule and that no person looked at each cell; its cells teach no "
            "model."
        )
        st.button(
            f"Sign {several(len(chosen), 'case')}",
            type="primary", key="release_sign", disabled=not chosen,
            on_click=_sign, args=(standing.number, chosen),
        )  # fmt: skip
    st.button("Turn the rule off", key="release_off", type="tertiary", on_click=_turn_off)


def _row(one: Releasable) -> dict[str, str]:
    shown = ("neutrophil", "lymphocyte", "monocyte", "eosinophil", "basophil")
    return {
        "Case": plain(one.case.accession),
        "White cells": str(one.leukocytes),
        **{title(name): f"{one.percent.get(name, 0):.0f} %" for name in shown},
    }


def _trial(who: Person, standing: StandingRule | None) -> None:
    st.markdown(
        "What if cases that meet all of these went out without a look at each cell? Tried on the "
        "signed cases of this installation that people read."
        + ("" if standing else " **No rule is on**: nothing is signed in a batch.")
    )
    chosen = st.pills(
        "Conditions", list(CONDITIONS), selection_mode="multi", default=list(CONDITIONS),
        key="release_conditions",
    )  # fmt: skip
    cells = st.number_input(
        "White cells asked for", 1, 10_000, settings().target_cells or 200, key="release_cells"
    )
    if not chosen:
        st.info("Choose at least one condition.")
        return
    rule = Rule(tuple(chosen), int(cells))
    found = try_rule(review_store(), who, rule)
    st.markdown(f"**{found.sentence}**")
    if found.released:
        high = 100 * found.wrong.high
        st.markdown(
            f"With {several(found.released, 'case')}, up to {high:.0f} in 100 released cases may "
            "have been signed otherwise (upper end of the exact 95 % interval)."
        )
    if found.against:
        names = ", ".join(plain(name) for name in found.against[:20])
        st.markdown(f":orange-badge[check] Signed otherwise: {names}.")
    st.caption(
        "Agreed: nothing critical, abnormal or seen was signed, and every class lies within the "
        "limits of the program's share. A rule can be turned on once it was right on "
        f"{settings().release_trial_cases} signed cases and wrong on none."
    )
    if standing is None or standing.rule != rule:
        against = release.against_turning_on(rule, found)
        st.button(
            "Turn this rule on",
            key="release_on",
            disabled=bool(against),
            on_click=_turn_on,
            args=(rule,),
        )
        if against:
            st.caption(f"It cannot be turned on: {plain(against)}.")


def _turn_on(rule: Rule) -> None:
    try:
        release.turn_on(review_store(), signed_in.person(), rule)
    except (NotAllowed, CaseRefused, DatabaseRefused) as refusal:
        st.session_state[_NOTICE] = [f"The rule was not turned on: {refusal}."]


def _turn_off() -> None:
    try:
        release.turn_off(review_store(), signed_in.person())
    except (NotAllowed, DatabaseRefused) as refusal:
        st.session_state[_NOTICE] = [f"The rule was not turned off: {refusal}."]


def _sign(rule_number: int, chosen: list[int]) -> None:
    try:
        signed, refused = release.release(review_store(), signed_in.person(), rule_number, chosen)
    except (NotAllowed, CaseRefused, DatabaseRefused) as refusal:
        st.session_state[_NOTICE] = [f"Not signed: {refusal}."]
        return
    words = [f"Not signed: {one}." for one in refused]
    st.session_state[_NOTICE] = [f"{several(len(signed), 'case')} signed.", *words]
