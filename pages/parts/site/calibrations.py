"""Calibrations of the site: what one objective and camera show, entered by whom and when."""

import streamlit as st

from core.access.people import Person
from core.access.rights import NotAllowed, may, require
from core.settings import settings
from core.slide.calibration import (
    CALIBRATIONS,
    Calibration,
    keep_calibration,
    read_calibrations,
    today,
)
from pages.parts import signed_in
from pages.parts.wording import plain, rounded

_NOTICE = "calibration_notice"


def known() -> tuple[Calibration, ...]:
    """The site's calibrations; says so where they cannot be read."""
    try:
        return read_calibrations(settings().var / CALIBRATIONS)
    except ValueError as error:
        st.error(
            f"The calibrations cannot be read: {plain(str(error))}. Nothing is estimated by one."
        )
        return ()


def draw(who: Person) -> None:
    """The list, and for those who may change the site a form for one more."""
    entries = known()
    if entries:
        st.markdown("\n".join(f"- {_words(entry)}" for entry in entries))
    else:
        st.caption(
            "None yet. The factor from cells per field to cells per µL holds for one objective and "
            "one camera only, so nothing is estimated by factor before one is entered."
        )
    if not may(who, "configure"):
        st.caption("Calibrations are entered by administrators.")
        return
    _form()


def _words(entry: Calibration) -> str:
    parts = []
    if entry.field_area_mm2:
        parts.append(f"field of {entry.field_area_mm2:g} mm²")
    if entry.platelet_factor:
        parts.append(f"platelets x {rounded(entry.platelet_factor)}")
    if entry.wbc_factor:
        parts.append(f"white cells x {rounded(entry.wbc_factor)}")
    return (
        f"**{plain(entry.name)}**: {', '.join(parts)}; entered by {plain(entry.entered_by)}, "
        f"{plain(entry.entered_at)}"
    )


def _form() -> None:
    notice = st.session_state.pop(_NOTICE, None)
    if notice:
        st.warning(plain(notice))
    with st.form("calibration", border=False):
        a, b, c, d = st.columns([2, 2, 1.2, 1.2])
        a.text_input("Objective", key="cal_objective", max_chars=80, placeholder="100x oil")
        b.text_input("Camera", key="cal_camera", max_chars=80)
        c.number_input("Width, px", 1, 100_000, None, 1, key="cal_width")
        d.number_input("Height, px", 1, 100_000, None, 1, key="cal_height")
        a, b, c = st.columns(3)
        a.number_input(
            "Area of the field, mm²", 0.0, 100.0, None, 0.0001, key="cal_area", format="%.5f",
            help="Of what one picture shows, by a stage micrometer: width times height. The "
            "published factors for a whole oil-immersion field of 0.22 mm are scaled to it.",
        )  # fmt: skip
        b.number_input(
            "Platelet factor", 0.0, 2_000_000.0, None, 500.0, key="cal_platelets", format="%g",
            help="Platelets per µL for one per field, found by comparison with your analyser. It "
            "goes before the area.",
        )  # fmt: skip
        c.number_input(
            "WBC factor", 0.0, 500_000.0, None, 100.0, key="cal_wbc", format="%g",
            help="White cells per µL for one per field, found like the platelet factor.",
        )  # fmt: skip
        st.form_submit_button("Keep this calibration", on_click=_keep)


def _keep() -> None:
    given = st.session_state
    try:
        who = signed_in.person()
        require(who, "configure")
        entry = Calibration(
            objective=(given["cal_objective"] or "").strip(),
            camera=(given["cal_camera"] or "").strip(),
            width_px=given["cal_width"] or 0,
            height_px=given["cal_height"] or 0,
            entered_by=who.name[:80],
            entered_at=today(),
            field_area_mm2=given["cal_area"] or None,
            platelet_factor_per_ul=given["cal_platelets"] or None,
            wbc_factor_per_ul=given["cal_wbc"] or None,
        )
        keep_calibration(settings().var / CALIBRATIONS, entry)
    except (NotAllowed, ValueError, OSError) as refusal:
        given[_NOTICE] = f"Nothing was kept: {refusal}."
