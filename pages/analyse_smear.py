"""Analyse smear: fields go in; counts and cells with evidence come out."""

from collections.abc import Callable
from datetime import datetime

import streamlit as st

from core.models import registry
from core.models.weights import WeightsRefused
from core.records import SmearFinding
from core.review.acceptance.status import in_review_store
from core.review.exchange.contents import slug
from core.review.exchange.slide_result import SlideResult, slide_pdf, slide_xlsx
from core.settings import settings
from core.slide.tables import AcceptanceOf, cells_csv, file_name, findings_csv, findings_json
from pages.parts import signed_in, wording
from pages.parts.smear import (
    blood_count_tab,
    counts_panel,
    differential_tab,
    draft,
    field_view,
    fields_tab,
    filmstrip,
    gallery,
    intake,
    keep_in_case,
    red_cells_tab,
    session,
    why,
)
from pages.parts.smear.session import SmearSession

_COLUMNS = (1, 7.2, 4.3)
"""Thumbnails, picture, numbers: their places stay, whatever is in them."""

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_DOWNLOADS = (
    ("Fields CSV", findings_csv, ("fields", "csv"), "text/csv"),
    ("Cells CSV", cells_csv, ("cells", "csv"), "text/csv"),
    ("JSON", findings_json, ("fields", "json"), "application/json"),
)


def _models_ready() -> bool:
    try:
        registry.smear_models()
    except WeightsRefused as refusal:
        st.error(
            "The models cannot be used, so nothing can be analysed. "
            f"{wording.plain(str(refusal))}. "
            "Restore the folder of the weights from the release, then reload this page.",
            icon=":material/error:",
        )
        return False
    return True


def _when_pressed(
    make: Callable[[list[SmearFinding], AcceptanceOf], str], smear: SmearSession
) -> Callable[[], str]:
    """A table is made when its button is pressed, not on every click elsewhere."""
    return lambda: make(smear.findings(), in_review_store().status_of_finding)


def _downloads(smear: SmearSession) -> None:
    name = slug(smear.accession) if smear.accession else "slide"
    st.download_button(
        "Result as Excel",
        data=lambda: slide_xlsx(_result(smear)),
        file_name=file_name(name, "xlsx"),
        mime=_XLSX,
        type="primary",
        on_click="ignore",
        width="stretch",
        help="Differential, blood count, flags, left-out fields, models and every cell, a sheet "
        "each. Opens in any country's Excel.",
        key="download_xlsx",
    )
    st.download_button(
        "Result as PDF",
        data=lambda: slide_pdf(_result(smear), settings()),
        file_name=file_name(name, "pdf"),
        mime="application/pdf",
        on_click="ignore",
        width="stretch",
        key="download_pdf",
    )
    for label, make, parts, mime in _DOWNLOADS:
        st.download_button(
            label,
            data=_when_pressed(make, smear),
            file_name=file_name(*parts),
            mime=mime,
            on_click="ignore",
            width="stretch",
            key=f"download_{label.split()[0].lower()}",
        )
    st.caption("CSV and JSON are for other programs: full stops as decimal signs, commas between.")


def _result(smear: SmearSession) -> SlideResult:
    findings = smear.findings()
    return SlideResult(
        findings,
        datetime.now().astimezone(),
        smear.accession,
        blood_count_tab.estimates_now(smear),
        in_review_store().status_of_finding,
    )


def _clear(smear: SmearSession) -> None:
    smear.clear()
    draft.forget(signed_in.person())


def _head(smear: SmearSession) -> None:
    title, tools = st.columns([1, 3.2], vertical_alignment="center")
    title.title("Analyse smear", anchor=False)
    if smear.batch is not None:
        # In the place of the tools, so that nothing below moves when a batch begins or ends.
        with tools:
            intake.draw_progress(smear, smear.shown)
        return
    if not smear.order:
        return
    with tools.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        with st.popover("Add fields", icon=":material/add:"):
            intake.draw_upload(smear)
        intake.draw_synthetic(smear, how_many=False)
        keep_in_case.draw(smear)
        # In one place: five buttons side by side would push the others off a small screen.
        with st.popover("Take away", icon=":material/download:", key="take_away"):
            _downloads(smear)
        st.button("Start over", key="clear", type="tertiary", on_click=_clear, args=(smear,))


def _empty(smear: SmearSession) -> None:
    st.markdown(
        "Send photographs of a stained blood smear. You get the red cells, white cells and "
        "platelets of each field with a box round every one, a differential of the white cells, "
        "and what led to each answer."
    )
    left, right = st.columns([3, 2], gap="medium")
    with left.container(border=True, height="stretch"):
        st.subheader("Fields of a smear", anchor=False)
        intake.draw_upload(smear)
    with right.container(border=True, height="stretch"):
        st.subheader("No picture at hand?", anchor=False)
        st.markdown(
            "A field can be drawn by the program. It looks like a smear, belongs to nobody, and "
            "shows every part of this screen."
        )
        intake.draw_synthetic(smear, how_many=True)


def _waiting(smear: SmearSession) -> None:
    strip, left, right = st.columns(_COLUMNS, gap="small")
    with strip:
        filmstrip.draw(smear)
    with left:
        st.skeleton(height=field_view.HEIGHT_PX)
    with right:
        st.skeleton(height=field_view.HEIGHT_PX)


def _results(smear: SmearSession) -> None:
    strip, left, right = st.columns(_COLUMNS, gap="small")
    with strip:
        filmstrip.draw(smear)
    with left:
        field_view.draw(smear)
    with right.container(gap="xsmall"):
        counts_panel.draw(smear)
    # Only the open tab is drawn: a map nobody looks at is not computed.
    draws: dict[str, Callable[[SmearSession], None]] = {
        "White cells": gallery.draw,
        "Differential": differential_tab.draw,
        "Blood count": blood_count_tab.draw,
        **({"Red cells": red_cells_tab.draw} if red_cells_tab.is_there(smear) else {}),
        "Fields": fields_tab.draw,
        "Why": why.draw,
    }
    tabs = st.tabs(list(draws), key="tabs", on_change="rerun")
    for tab, draw in zip(tabs, draws.values(), strict=True):
        if tab.open:
            with tab:
                draw(smear)
    if smear.batch is not None:
        drawn = wording.several(len(smear.order), "field")
        st.caption(f"So far of {drawn}; of all when the last one is finished.")


def _on_top(smear: SmearSession) -> None:
    if smear.opened is None:
        return
    # Drawn again with every redraw until it is shut: fields that finish must not close it.
    key, index = smear.opened
    shown = smear.known.get(key)
    if shown is not None:
        picture = next((cell for cell in shown.white_cells if cell.index == index), None)
        if picture is not None:
            why.open_class(smear, shown, picture)


def main() -> None:
    """Draw the screen."""
    who = signed_in.allowed("analyse")
    smear = session.current()
    smear.absorb()
    draft.keep(smear, who)
    _head(smear)
    if not _models_ready():
        return
    intake.draw_refused(smear)
    if smear.order:
        _results(smear)
    elif smear.batch is not None:
        _waiting(smear)
    else:
        draft.offer(who)
        _empty(smear)
    _on_top(smear)


main()
