"""A case to take away: report, tables, FHIR, labels; each is made when it is asked for."""

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from core.access.people import Person
from core.review.case.cases import Case
from core.review.exchange.contents import gather
from core.review.exchange.formats import FORMATS, ExportFormat
from core.review.exchange.letters import why_not_printable
from core.review.exchange.signed_contents import gather_signed
from core.review.reading.remarks import remarks_of
from core.review.record.review_store import ReviewStore
from core.settings import settings


def draw(store: ReviewStore, who: Person, case: Case) -> None:
    """The report as a button, everything else behind one more click."""
    report, others = st.columns(2)
    with report:
        words = "Report" if case.is_closed else "Draft report"
        texts = [case.accession, case.pseudonym, case.indication]
        texts += [one.text for one in remarks_of(store, who, case.id)]
        why = why_not_printable(filter(None, texts), settings().report_font)
        if why:
            st.warning(why, icon=":material/font_download_off:")
        else:
            _button(store, who, case, FORMATS["pdf"], words)
    with others.popover("Export", icon=":material/output:", width="stretch"):
        if not case.is_closed:
            st.caption("Not signed yet: every file is named a draft.")
        for form in FORMATS.values():
            if form.name != "pdf":
                _button(store, who, case, form, form.title)
                st.caption(form.what[0].upper() + form.what[1:])


def earlier(store: ReviewStore, who: Person, case: Case, version: int) -> None:
    """The report of an earlier version, as it was signed."""
    form = FORMATS["pdf"]
    then = replace(case, version=version, state="signed")
    st.download_button(
        "Report",
        data=lambda: form.make(gather_signed(store, who, case.id, version)),
        file_name=form.file_name(then),
        mime=form.mime,
        key=f"download_pdf_{case.id}_{version}",
        icon=":material/picture_as_pdf:",
        type="tertiary",
        on_click="ignore",
    )


def _button(store: ReviewStore, who: Person, case: Case, form: ExportFormat, label: str) -> None:
    st.download_button(
        label,
        data=_made(store, who, case, form),
        file_name=form.file_name(case),
        mime=form.mime,
        key=f"download_{form.name}_{case.id}",
        icon=":material/picture_as_pdf:" if form.name == "pdf" else ":material/download:",
        width="stretch",
        on_click="ignore",
    )


def _made(store: ReviewStore, who: Person, case: Case, form: ExportFormat) -> Callable[[], bytes]:
    def make() -> bytes:
        # What stands when it is asked for, not when the page was drawn.
        return form.make(gather(store, who, case.id))

    return make
