"""Right third of the screen: three counts, flags, the counting rule, the selected cell."""

import streamlit as st

from core.inference.smear import recount
from core.records import CountingRule, Estimate, Method, SmearFinding
from core.slide import judgement
from core.taxonomy import KINDS
from pages.parts import acceptance_mark, meaning, wording
from pages.parts.agreement.bars import BAR_PX, count_bar
from pages.parts.smear import cell_words
from pages.parts.smear.session import SmearSession

_RULES: dict[CountingRule, str] = {
    "all_visible": "All visible cells",
    "chamber": "Counting chamber",
}
_METHODS: dict[Method, str] = {"locator": "Located cells", "regression": "Regression"}
_OTHER_WAY: dict[Method, str] = {"locator": "regression", "regression": "located"}
_METHOD_HELP = (
    "Located cells: every counted cell has a box. Regression: the count of a second model that was "
    "taught counts only; it shows no single cells and counts all that is visible. The small number "
    "under each bar is the other way's; where the two disagree, a person should count."
)
_RULE_HELP = (
    "All visible cells: every cell in the picture counts. Counting chamber: cells touching the "
    "bottom or right edge are left out, those touching the top or left edge count."
)


def draw(session: SmearSession) -> None:
    """Counts of the field on show."""
    _switches(session)
    finding = session.finding()
    other_way = _other_way(session, finding)
    others = [session.finding(key) for key in session.order if key != session.shown]
    others = [other for other in others if judgement.is_included(other)]
    for kind in KINDS:
        estimate = finding.counts.of(kind)
        value, bar = st.columns([1, 1.6], gap="small", vertical_alignment="center")
        value.metric(f"{wording.SHORT[kind]} per field", wording.number(estimate))
        svg, words = count_bar(kind, estimate, [other.counts.of(kind) for other in others])
        with bar.container(gap=None):
            st.image(svg, width=BAR_PX, alt=words)
            words = wording.interval(estimate)
            if other_way is not None:
                said = other_way.counts.of(kind)
                badge = " :orange-badge[check]" if _apart(estimate, said) else ""
                words += f"; {_OTHER_WAY[finding.method]} {wording.number(said)}{badge}"
            st.caption(words, text_alignment="center", width=BAR_PX)
    meaning.draw("count")
    _included(session, finding)
    _flags(finding)
    acceptance_mark.of_finding(finding)
    if session.cell is not None and session.cell < len(finding.cells):
        cell_words.draw_selected(session, session.cell)
    else:
        st.caption(
            "Under each bar its 90 % interval. Click a cell in the picture to see what it was "
            "called."
        )


def _switches(session: SmearSession) -> None:
    with st.container(horizontal=True, gap="small"):
        st.segmented_control(
            "Method",
            list(_METHODS),
            format_func=_METHODS.__getitem__,
            default=session.method,
            required=True,
            key="counting_method",
            help=_METHOD_HELP,
            on_change=lambda: setattr(session, "method", st.session_state["counting_method"]),
        )
        st.segmented_control(
            "Counting rule",
            list(_RULES),
            format_func=_RULES.__getitem__,
            default=session.rule,
            required=True,
            key="counting_rule",
            help=_RULE_HELP,
            disabled=session.method == "regression",
            on_change=lambda: setattr(session, "rule", st.session_state["counting_rule"]),
        )


def _other_way(session: SmearSession, finding: SmearFinding) -> SmearFinding | None:
    """The same field by the other method; None where the rule leaves cells out."""
    if finding.method == "regression":
        return recount(session.field().finding, "all_visible")
    if finding.regressed is None or finding.counting_rule != "all_visible":
        return None
    return recount(finding, "all_visible", "regression")


def _apart(one: Estimate, other: Estimate) -> bool:
    return one.low > other.high or other.low > one.high


def _included(session: SmearSession, finding: SmearFinding) -> None:
    """Does this field count, and the button that turns it round."""
    shown = session.field().key
    out = judgement.left_out(finding)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if out is None:
            st.button(
                "Leave this field out",
                key=f"leave_out_{shown[0]}",
                type="tertiary",
                icon=":material/do_not_disturb_on:",
                help="It is then in no total, differential, blood count or report.",
                on_click=session.include,
                args=(shown, False),
            )
            return
        st.markdown(f":gray-badge[left out] {judgement.left_out_words(out.code)}", width="content")
        st.button(
            "Take this field in",
            key=f"take_in_{shown[0]}",
            type="tertiary",
            icon=":material/add_circle:",
            on_click=session.include,
            args=(shown, True),
        )


def _flags(finding: SmearFinding) -> None:
    if not finding.flags:
        st.markdown("No remarks on this field.")
        return
    worst = sorted(finding.flags, key=lambda flag: judgement.flag_mark(flag) != "critical")
    for flag in worst:
        badge = wording.flag_badge(judgement.flag_mark(flag))
        st.markdown(f"{badge} {wording.plain(flag.message)}")
