"""Why, at the desk: the map of one cell, its attributes, cells like it, and reference cells."""

from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.access.people import Person
from core.explain.faithfulness import Faithfulness
from core.explain.gradcam import explain_class, overlay
from core.explain.heat import stretch
from core.explain.verdict import class_verdict
from core.imaging.view import jpeg
from core.inference.locate.cell_crop import crop_cell
from core.models import registry
from core.models.weights import LoadedModel, WeightsRefused
from core.records import RgbImage, WbcCall
from core.review.case import cases
from core.review.case.cases import Case
from core.review.reading.cells import ReviewCell
from core.review.reading.licensed_pictures import licensed_cells
from core.review.reading.reference_cells import LOOK_ALIKES, ReferenceCell, reference_cells
from core.review.reading.sheet import thumbnails
from core.review.record.errors import PictureLost
from core.review.record.review_store import review_store
from core.taxonomy import UNIDENTIFIED, answer_labels, title
from pages.parts.map_verdict import may_be_shown
from pages.parts.picture import in_page
from pages.parts.smear import alike
from pages.parts.wording import percent, plain

OPENED: Final = "review_why"
"""Session state: the cell that is explained."""

_EACH: Final = 6
_STRENGTH: Final = 0.5


def draw(who: Person, case: Case, white: list[ReviewCell]) -> None:
    """The dialog, while a cell is explained."""
    cell = next((one for one in white if one.id == st.session_state.get(OPENED)), None)
    if cell is None:
        return

    @st.dialog("Why this class, and what it is compared with", width="large", on_dismiss=_shut)
    def dialog() -> None:
        top = st.container()
        # First, since the map of a cell takes seconds.
        _references(who, case, cell)
        with top:
            _explain(who, case, cell)

    dialog()


def _shut() -> None:
    st.session_state.pop(OPENED, None)


def _explain(who: Person, case: Case, cell: ReviewCell) -> None:
    call = cell.call
    if call is None:
        blind = "It is shown without the model's answer until the case is signed."
        st.markdown(blind if cell.blind else "A reader drew this cell; the model did not see it.")
        return
    field = next(
        p for p in cases.case_pictures_of(review_store(), who, case.id) if p.id == cell.picture_id
    )
    try:
        pixels = cases.picture_field(review_store(), who, field).pixels
        model = registry.named(call.model)
    except (PictureLost, WeightsRefused) as why:
        st.markdown(f"No map can be drawn: {plain(str(why))}.")
        alike.draw_words(call)
        return
    seen = crop_cell(pixels, cell.box_xyxy_px, field.finding().rbc_diameter_px)
    ranked = sorted(call.probabilities, key=lambda label: -call.probabilities[label])
    controls, left, right = st.columns([1, 1, 1], gap="medium")
    with controls:
        label = st.selectbox(
            "Class",
            ranked,
            format_func=lambda name: f"{title(name)} {percent(call.probabilities[name])}",
            key=f"why_class_{cell.id}",
        )
        alike.draw_words(call)
        st.caption("A map shows where the model looked; it does not show that the answer is right.")
    _map(call, seen, label or ranked[0], model, (left, right))
    alike.draw_cells(call, seen, model)


def _map(
    call: WbcCall,
    seen: RgbImage,
    label: str,
    model: LoadedModel,
    sides: tuple[DeltaGenerator, DeltaGenerator],
) -> None:
    left, right = sides
    left.image(in_page(jpeg(seen)), width="stretch", alt="The cell as the model saw it")
    key = f"{call.model} {label} {hash(seen.tobytes())}"
    shown, verdict = _computed(key, seen, label, model)
    words = f"What spoke for {title(label).lower()}. The map passed its checks."
    if not may_be_shown(right, verdict, f"why_unreliable_{key[:60]}"):
        return
    if not verdict.reliable:
        words = f"Not reliable. What spoke for {title(label).lower()}."
    right.image(in_page(jpeg(shown)), caption=words, width="stretch", alt=words)


@st.cache_data(show_spinner="Drawing the map and checking it", max_entries=64)
def _computed(
    key: str, _seen: RgbImage, label: str, _model: LoadedModel
) -> tuple[RgbImage, Faithfulness]:
    heat = explain_class(_seen, label, _model)
    fitting = stretch(heat, *_seen.shape[:2])
    return overlay(_seen, fitting, _STRENGTH), class_verdict(_seen, label, heat, _model)


def _references(who: Person, case: Case, cell: ReviewCell) -> None:
    """Cells of two classes side by side: this laboratory's own verified ones, and published."""
    st.markdown("**Reference cells**")
    labels = [label for label in answer_labels() if label != UNIDENTIFIED]
    named = cell.label or (cell.call.label if cell.call else None)
    first = named if named in labels else labels[0]
    second = LOOK_ALIKES.get(first, labels[0])
    for place, start in enumerate((first, second)):
        choice, cells_shown = st.columns([1, 3], vertical_alignment="center")
        label = choice.selectbox(
            "Class" if place == 0 else "Beside it",
            labels,
            index=labels.index(start),
            format_func=title,
            key=f"reference_{cell.id}_{place}",
        )
        found = reference_cells(
            review_store(), who, label or start, without_case=case.id, most=_EACH
        )
        with cells_shown:
            _row(who, found)
            _published(label or start)


def _row(who: Person, found: list[ReferenceCell]) -> None:
    if not found:
        st.caption("This laboratory has signed none in another case yet.")
        return
    pictures = thumbnails(review_store(), who, [(one.picture, one.box_xyxy_px) for one in found])
    for place, one, data in zip(st.columns(_EACH, gap="small"), found, pictures, strict=False):
        if data is not None:
            words = f"{title(one.label)}, case {one.accession}"
            place.image(in_page(data), width="stretch", alt=words)
            place.caption(plain(one.accession))


def _published(label: str) -> None:
    """Cells of published sets with their source and licence."""
    found = licensed_cells(label)[:_EACH]
    if not found:
        st.caption("No licensed picture of this class.")
        return
    for place, one in zip(st.columns(_EACH, gap="small"), found, strict=False):
        words = f"{title(one.label)}, {one.credit}"
        place.image(in_page(one.file.read_bytes()), width="stretch", alt=words)
        part = "" if one.label == label else f"{title(one.label)}, "
        place.caption(f"{part}{one.laboratory}")
    credits = dict.fromkeys(f"{one.laboratory}: {one.credit}" for one in found)
    st.caption(". ".join(credits) + ". Another stain and microscope than yours.")
