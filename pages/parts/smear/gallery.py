"""Tab White cells: every white cell of the set, the least certain first."""

import streamlit as st

from core.inference.batch import AnalysedField, CellPicture
from core.records import WbcCall
from core.slide import judgement
from core.taxonomy import title
from pages.parts import meaning, wording
from pages.parts.picture import in_page
from pages.parts.smear import cell_words
from pages.parts.smear.session import SmearSession

_PER_PAGE = 24


def draw(session: SmearSession) -> None:
    """Cards, five to eight across; each opens its map.

    Of fields that are left out only what is critical is shown, unless a person left them out.
    """
    cards = _cards(session)
    if not cards:
        st.markdown(
            "No white cell was found in the fields that count. Add more fields to see some here."
        )
        return
    unsure = sum(judgement.call_is_doubtful(call) for _, _, call in cards)
    critical = sum(judgement.call_is_critical(call) for _, _, call in cards)
    text = wording.several(len(cards), "white cell")
    if len(cards) > 1:
        text += (
            ", the critical and least certain first" if critical else ", the least certain first"
        )
    text += f"; {critical} critical" if critical else ""
    text += f"; {unsure} to check." if unsure else "."
    top, turn = st.columns([3, 2], vertical_alignment="center")
    top.markdown(f"{text} {cell_words.laboratory_badge(session)}")
    page = 1
    pages = -(-len(cards) // _PER_PAGE)
    if pages > 1:
        with turn.container(horizontal=True, horizontal_alignment="right"):
            page = st.pagination(pages, key="gallery_page")
    with st.grid(columns=8, min_column_width=118, gap="small", key="gallery"):
        for card in cards[(page - 1) * _PER_PAGE : page * _PER_PAGE]:
            _card(session, *card)
    st.caption("The bar is the model's probability for the class; it is not a rate of hits.")
    meaning.draw("class")


def _cards(session: SmearSession) -> list[tuple[AnalysedField, CellPicture, WbcCall]]:
    cards = []
    for key in session.order:
        shown, finding = session.known[key], session.finding(key)
        critical = set(judgement.critical_cells(finding))
        counts = judgement.is_included(finding)
        for picture in shown.white_cells:
            call = shown.finding.cells[picture.index].wbc
            if call is not None and (counts or picture.index in critical):
                cards.append((shown, picture, call))
    return sorted(
        cards,
        key=lambda card: judgement.call_order(card[2]),
    )


def _card(session: SmearSession, shown: AnalysedField, picture: CellPicture, call: WbcCall) -> None:
    with st.container(gap="xxsmall"):
        st.image(in_page(picture.large), width="stretch", alt=cell_words.alt_text(call))
        st.progress(
            call.probability, text=f"{title(call.label)} {wording.percent(call.probability)}"
        )
        name = f"why-{shown.key[0]}-{picture.index}"
        where = wording.plain(shown.finding.file)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                "Why",
                key=name,
                type="tertiary",
                help=f"What the model saw, {where}",
                on_click=session.open,
                args=(shown.key, picture.index),
            )
            if cell_words.badges(call):
                st.markdown(cell_words.badges(call), width="content")
        for words in (cell_words.stage_words(call), cell_words.alternatives(call)):
            if words:
                st.caption(words)
