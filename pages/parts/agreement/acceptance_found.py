"""What a lab acceptance found, before it is signed: agreement, and what differs as pictures."""

import streamlit as st

from core.review.acceptance.limits import measurement_title
from core.review.acceptance.measured import Measured
from core.review.acceptance.report import (
    discordant_cell_words,
    discordant_cells_sentence,
    discordant_field_words,
)
from core.statistics.agreement import agreement
from pages.parts.agreement import view as agreement_view
from pages.parts.picture import in_page
from pages.parts.wording import plain, several

_CLASSES = "Class of white cells"


def draw(measured: Measured) -> None:
    """Agreement of each measurement, then the cells and fields that differ, as pictures."""
    st.subheader("3 What was found", anchor=False)
    st.caption(
        f"{several(measured.fields, 'field')} of {several(measured.slides, 'slide')}, "
        f"{several(measured.white_cells, 'white cell')}; "
        f"of the cells whose class you know {len(measured.labels)} were found, "
        f"{measured.not_found} were not."
    )
    left_out = list(measured.refused)
    if measured.unmatched:
        left_out.append(f"Results without a picture: {', '.join(measured.unmatched[:20])}.")
    if left_out:
        with st.expander(f"{several(len(left_out), 'note')} on what was left out", expanded=True):
            st.markdown("\n".join(f"- :small[{plain(words)}]" for words in left_out))
    _measurements(measured)
    _discordant_cells(measured)
    _discordant_fields(measured)


def _measurements(measured: Measured) -> None:
    names = ([_CLASSES] if measured.labels else []) + [
        measurement_title(name) for name in measured.numbers
    ]
    if not names:
        st.warning("None of the results belongs to one of these pictures: check the file names.")
        return
    chosen = st.segmented_control(
        "Measurement", names, default=names[0], required=True, key="acceptance_shown",
        label_visibility="collapsed",
    )  # fmt: skip
    if chosen == _CLASSES:
        found = agreement([one for one, _ in measured.labels], [two for _, two in measured.labels])
        agreement_view.labels(found, "Laboratory", "Program", "acceptance")
        return
    for name, pairs in measured.numbers.items():
        if measurement_title(name) == chosen:
            agreement_view.numbers(
                pairs["reference"],
                pairs["other"],
                pairs["samples"],
                ("Laboratory", "Program"),
                pairs["unit"],
                f"acceptance_{name}",
            )


def _discordant_cells(measured: Measured) -> None:
    if not measured.discordant_cells:
        return
    st.markdown("**White cells called differently**")
    st.caption(discordant_cells_sentence(measured))
    with st.container(horizontal=True, gap="small"):
        for cell in measured.discordant_cells:
            with st.container(width=150, gap=None):
                words = discordant_cell_words(cell)
                st.image(in_page(measured.pictures[cell.picture]), width=130, alt=words)
                st.caption("  \n".join(plain(line) for line in words.split("\n")))


def _discordant_fields(measured: Measured) -> None:
    if not measured.discordant_fields:
        return
    st.markdown("**Fields whose counts differ most**")
    st.caption("With the boxes of the program: red cells blue, white cells red, platelets green.")
    columns = st.columns(3)
    for place, field in enumerate(measured.discordant_fields):
        with columns[place % 3]:
            words = discordant_field_words(field)
            st.image(in_page(measured.pictures[field.picture]), width="stretch", alt=words)
            st.caption("  \n".join(plain(line) for line in words.split("\n")))
