"""The list of people: an administrator adds them, gives them a role, takes them off."""

from collections.abc import Callable

import streamlit as st

from core.access.people import Person
from core.access.rights import ROLES, NotAllowed, Role, may
from core.review.record import roster
from core.review.record.review_store import review_store
from core.review.record.roster import Listed, RosterRefused
from pages.parts import signed_in
from pages.parts.wording import plain

_ROLE_WORDS: dict[Role, str] = {
    "technologist": "uploads and analyses pictures, puts them into cases",
    "pathologist": "reviews and signs cases, and signs lab acceptances",
    "director": "looks, and signs lab acceptances",
    "trainer": "trains models and makes one live",
    "administrator": "looks after people and settings",
    "viewer": "looks, and changes nothing",
}


def draw(who: Person) -> None:
    """The list with its controls; for those who may not change it, the roles and their own."""
    st.subheader("People", anchor=False)
    _myself(who)
    if may(who, "manage_people"):
        _notice()
        _table(who)
        _add()
    else:
        st.caption("The list of people is shown to administrators.")
    with st.expander("What each role may do"):
        st.markdown("\n".join(f"- **{role}** {words}" for role, words in _ROLE_WORDS.items()))


def _myself(who: Person) -> None:
    if who.role == "local":
        st.markdown(
            f"You are **{plain(who.name)}**, alone at this computer: you may do everything. "
            "Where others reach Hemadesk, each signs in and has a role from this list."
        )
        return
    st.markdown(f"You are **{plain(who.name)}**, {', '.join(who.roles)}.")
    if signed_in.by_oidc():
        st.button("Sign out", icon=":material/logout:", on_click=st.logout)


def _notice() -> None:
    said = st.session_state.pop("people_notice", None)
    if said:
        st.info(plain(said))


def _table(who: Person) -> None:
    listed = roster.everybody(review_store(), who)
    if not listed:
        st.caption(
            "Nobody is on the list yet. Add the people who will sign in; "
            "make one of them an administrator."
        )
    for line in listed:
        _line(line)


def _line(line: Listed) -> None:
    person = line.person
    name, roles, state = st.columns([3.4, 3.4, 1.8], vertical_alignment="center", gap="small")
    gone = "" if line.active else " :gray-badge[may not sign in]"
    name.markdown(f"{plain(person.name)}{gone}  \n:small[{plain(person.subject)}]")
    roles.multiselect(
        f"Roles of {plain(person.name)}",
        ROLES,
        default=list(person.roles),
        key=f"roles_{person.subject}",
        label_visibility="collapsed",
        placeholder="at least one role",
        disabled=not line.active,
        on_change=_new_roles,
        args=(person.subject,),
    )
    state.button(
        "Take off" if line.active else "Let in again",
        key=f"active_{person.subject}",
        help="They may no longer sign in; what they did stays." if line.active else None,
        on_click=_do,
        args=(_activity(person.subject, not line.active),),
        width="stretch",
    )


def _activity(subject: str, active: bool) -> Callable[[Person], None]:
    return lambda who: roster.set_active(review_store(), who, subject, active)


def _new_roles(subject: str) -> None:
    chosen: list[Role] = st.session_state[f"roles_{subject}"]
    if chosen:
        _do(lambda who: roster.change_role(review_store(), who, subject, chosen[0], chosen[1:]))
    else:
        st.session_state.people_notice = (
            "A person has at least one role. To shut somebody out, take them off."
        )
    # What was refused must not stay chosen.
    st.session_state.pop(f"roles_{subject}", None)


def _do(change: Callable[[Person], object]) -> None:
    try:
        change(signed_in.person())
    except (NotAllowed, RosterRefused) as refusal:
        st.session_state.people_notice = str(refusal)


def _add() -> None:
    with st.form("add_person", clear_on_submit=False):
        st.markdown("**Add a person**")
        left, middle, right = st.columns([3, 3, 2])
        left.text_input("Name", key="new_name", max_chars=120)
        middle.text_input(
            "Account",
            key="new_subject",
            max_chars=255,
            help="What your sign-in knows them by, usually an e-mail address.",
        )
        right.multiselect("Roles", ROLES, default=["technologist"], key="new_roles")
        st.form_submit_button("Add person", on_click=_added)


def _added() -> None:
    chosen = st.session_state

    def add(who: Person) -> None:
        roles: list[Role] = chosen.new_roles
        if not roles:
            raise RosterRefused("give at least one role")
        roster.add(
            review_store(),
            who,
            subject=chosen.new_subject,
            name=chosen.new_name,
            role=roles[0],
            more=roles[1:],
        )
        chosen.people_notice = f"{chosen.new_name} was added as {', '.join(roles)}."
        chosen.new_name = chosen.new_subject = ""

    _do(add)
