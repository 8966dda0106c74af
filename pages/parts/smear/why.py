"""Tab Why: the plain picture and its Grad-CAM side by side."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.explain.count_map import (
    explain_count,
    explain_regression,
    is_exact,
    outlined,
    regression_verdict,
)
from core.explain.faithfulness import Faithfulness
from core.explain.gradcam import explain_class, overlay
from core.explain.heat import HeatMap, count_heat, stretch
from core.explain.verdict import class_verdict, count_verdict
from core.imaging.view import jpeg, pixels_of
from core.inference.batch import AnalysedField, CellPicture
from core.models import registry
from core.models.smear_models import SmearModels
from core.models.weights import WeightsRefused
from core.records import WbcCall
from core.slide import judgement
from core.taxonomy import KINDS, CellKind, title
from pages.parts import wording
from pages.parts.map_verdict import may_be_shown
from pages.parts.picture import in_page
from pages.parts.smear import alike, cell_words
from pages.parts.smear.session import SmearSession

_COLUMNS = (1, 1.2, 1.2)
_CLASS = "class"
_SUBJECTS: dict[str, str] = {
    _CLASS: "Class of a white cell",
    "rbc": "RBC count",
    "wbc": "WBC count",
    "platelet": "Platelet count",
}
_MEANING = (
    "Yellow marks what raised the score most. A map shows where the model looked; "
    "it does not show that the answer is right."
)

_REGRESSION = "Regression"
_EXACT = (
    "Exact: the second model's count is the sum of this map, so every part of the picture has "
    "just the share of the count that the map gives it. Left, the cells that the locator counted."
)

_SOURCES = {
    "Locator heat": "Each spot is where the locator sees the middle of a cell; "
    "every spot above its threshold is counted once.",
    "Grad-CAM": _MEANING,
    _REGRESSION: _EXACT,
}


def draw(session: SmearSession) -> None:
    """Choose what to explain, then both pictures."""
    subject = st.segmented_control(
        "Show what led to",
        list(_SUBJECTS),
        format_func=_SUBJECTS.__getitem__,
        default=_CLASS,
        required=True,
        key="why_subject",
    )
    kind = next((kind for kind in KINDS if kind == subject), None)
    if kind is not None:
        _draw_count(session, kind)
        return
    shown = session.field()
    if not shown.white_cells:
        st.markdown("No white cell was found in this field. Choose a count, or another field.")
        return
    places = list(range(len(shown.white_cells)))
    chosen = next((i for i in places if shown.white_cells[i].index == session.cell), 0)
    place = chosen
    if len(places) > 1:
        place = st.selectbox(
            "White cell",
            places,
            index=chosen,
            format_func=lambda i: _cell_name(shown, i),
            width=360,
        )
    draw_class(session, shown, shown.white_cells[place], "tab")


def open_class(session: SmearSession, shown: AnalysedField, picture: CellPicture) -> None:
    """The same for one cell, on top of the screen until it is shut."""

    def shut() -> None:
        session.opened = None

    @st.dialog("Why this class", width="large", on_dismiss=shut)
    def dialog() -> None:
        draw_class(session, shown, picture, "dialog")

    dialog()


def draw_class(
    session: SmearSession, shown: AnalysedField, picture: CellPicture, where: str
) -> None:
    """Class list, strength and both pictures of one white cell."""
    call = shown.finding.cells[picture.index].wbc
    assert call is not None
    models = _models_of(shown)
    if models is None:
        return
    model = models.white_cells
    ranked = sorted(call.probabilities, key=lambda label: -call.probabilities[label])
    name = f"{where}-{shown.key[0][:12]}-{picture.index}"
    controls, left, right = st.columns(_COLUMNS, gap="medium")
    with controls:
        label = st.selectbox(
            "Class", ranked, format_func=lambda item: _class_name(call, item), key=f"class-{name}"
        )
        strength = _strength(name)
        marks = [
            cell_words.badges(call),
            cell_words.stage_words(call),
            cell_words.alternatives(call),
            cell_words.laboratory_badge(session),
        ]
        if any(marks):
            st.markdown(" ".join(mark for mark in marks if mark))
        alike.draw_words(call)
        st.caption(_MEANING)
    key, seen = (*shown.key, picture.index, label), pixels_of(picture.seen)
    heat = session.map_of(key, lambda: explain_class(seen, label, model))
    with st.spinner("Checking the map", show_time=False):
        verdict = session.verdict_of(key, lambda: class_verdict(seen, label, heat, model))
    _side_by_side(
        (left, right),
        picture.large,
        heat,
        strength,
        plain_words=(
            f"As the camera saw it. Called {title(call.label).lower()}, "
            f"{wording.percent(call.probability)}."
        ),
        map_words=f"What spoke for {title(label).lower()}.",
        verdict=verdict,
        name=name,
    )
    alike.draw_cells(call, seen, model)


def _models_of(shown: AnalysedField) -> SmearModels | None:
    """The models that answered, whichever are live now; without them it says so."""
    try:
        return registry.smear_models_named(*shown.key[1:])
    except WeightsRefused as refusal:
        st.warning(
            f"No map can be made: {wording.plain(str(refusal))}. Analyse the field again.",
            icon=":material/visibility_off:",
        )
        return None


def _draw_count(session: SmearSession, kind: CellKind) -> None:
    shown, finding = session.field(), session.finding()
    models = _models_of(shown)
    if models is None:
        return
    controls, left, right = st.columns(_COLUMNS, gap="medium")
    with controls:
        source = st.segmented_control(
            "Map", list(_SOURCES), default="Locator heat", required=True, key="why_source"
        )
        strength = _strength(kind)
        exact = source == _REGRESSION and is_exact(models.counts)
        st.caption(_MEANING if source == _REGRESSION and not exact else _SOURCES[source])
    makers = {
        "Locator heat": (count_heat, models.locator),
        "Grad-CAM": (explain_count, models.locator),
    }
    compute, model = makers.get(source, (explain_regression, models.counts))
    picture = pixels_of(shown.view)
    # The map is made from the picture on the screen, which may be smaller than the file.
    scale = picture.shape[1] / finding.width
    diameter = finding.rbc_diameter_px * scale if finding.rbc_diameter_px else None
    key, verdict = (*shown.key, kind, source), None
    with st.spinner("Making the map", show_time=False):
        heat = session.map_of(key, lambda: compute(picture, kind, diameter, model))
        if compute is explain_count:
            verdict = session.verdict_of(
                key, lambda: count_verdict(picture, kind, diameter, heat, model)
            )
        if source == _REGRESSION and not exact:
            verdict = session.verdict_of(
                key, lambda: regression_verdict(picture, kind, heat, model)
            )
    counts, plain, plain_words = finding.counts, shown.view, "As the camera saw it."
    if source == _REGRESSION:
        counts = shown.finding.regressed or counts
        plain = jpeg(outlined(picture, finding.cells, kind, scale))
        plain_words = "The cells that the locator counted."
    _side_by_side(
        (left, right),
        plain,
        heat,
        strength,
        plain_words=plain_words,
        map_words=f"What led to {wording.count_sentence(kind, counts.of(kind))}.",
        verdict=verdict,
        name=kind,
    )


def _strength(name: str) -> float:
    percent = st.slider("Strength of the map, %", 0, 100, 60, 5, key=f"strength-{name}")
    return int(percent) / 100


def _side_by_side(
    places: tuple[DeltaGenerator, DeltaGenerator],
    picture: bytes,
    heat: HeatMap,
    strength: float,
    *,
    plain_words: str,
    map_words: str,
    verdict: Faithfulness | None,
    name: str,
) -> None:
    left, right = places
    left.image(in_page(picture), caption=plain_words, width="stretch", alt=plain_words)
    if verdict is not None and not may_be_shown(right, verdict, f"unreliable-{name}"):
        return
    if verdict is not None and not verdict.reliable:
        map_words = f"Not reliable. {map_words}"
    pixels = pixels_of(picture)
    fitting = stretch(heat, *pixels.shape[:2])
    right.image(
        in_page(jpeg(overlay(pixels, fitting, strength))),
        caption=map_words,
        width="stretch",
        alt=f"The same picture with its heat map. {map_words}",
    )


def _cell_name(shown: AnalysedField, place: int) -> str:
    call = shown.finding.cells[shown.white_cells[place].index].wbc
    assert call is not None
    marks = "".join(f", {mark}" for mark in judgement.call_marks(call))
    return f"{place + 1}: {title(call.label)} {wording.percent(call.probability)}{marks}"


def _class_name(call: WbcCall, label: str) -> str:
    return f"{title(label)} {wording.percent(call.probabilities[label])}"
