"""Right third of the screen: three counts, flags, the counting rule, the selected cell."""

import streamlit as st

from core.records import CountingRule, SmearFinding
from core.taxonomy import KINDS
from pages.parts import cell_words, wording
from pages.parts.bars import BAR_PX, count_bar
from pages.parts.session import SmearSession

_RULES: dict[CountingRule, str] = {
    "all_visible": "All visible cells",
    "chamber": "Counting chamber",
}
_RULE_HELP = (
    "All visible cells: every cell in the picture counts. Counting chamber: cells touching the "
    "bottom or right edge are left out, those touching the top or left edge count."
)


def draw(session: SmearSession) -> None:
    """Counts of the field on show."""
    st.segmented_control(
        "Counting rule",
        list(_RULES),
        format_func=_RULES.__getitem__,
        default=session.rule,
        required=True,
        key="counting_rule",
        help=_RULE_HELP,
        on_change=lambda: setattr(session, "rule", st.session_state["counting_rule"]),
    )
    finding = session.finding()
    others = [session.finding(key) for key in session.order if key != session.shown]
    for kind in KINDS:
        estimate = finding.counts.of(kind)
        value, bar = st.columns([1, 1.6], gap="small", vertical_alignment="center")
        value.metric(f"{wording.SHORT[kind]} per field", wording.number(estimate))
        svg, words = count_bar(kind, estimate, [other.counts.of(kind) for other in others])
        with bar.container(gap=None):
            st.image(svg, width=BAR_PX, alt=words)
            st.caption(wording.interval(estimate), text_alignment="center", width=BAR_PX)
    _flags(finding)
    if session.cell is not None and session.cell < len(finding.cells):
        cell_words.draw_selected(session, session.cell)
    else:
        st.caption(
            "Under each bar its 90 % interval. Click a cell in the picture to see what it was "
            "called."
        )


def _flags(finding: SmearFinding) -> None:
    if not finding.flags:
        st.markdown("No remarks on this field.")
        return
    worst = sorted(finding.flags, key=lambda flag: wording.flag_word(flag) != "critical")
    for flag in worst:
        badge = wording.flag_badge(wording.flag_word(flag))
        st.markdown(f"{badge} {wording.plain(flag.message)}")
