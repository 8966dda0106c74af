"""What a white cell looks like: its attributes in words, and the training cells nearest to it."""

import streamlit as st

from core.imaging.read import ImageRefused, read_path
from core.imaging.view import jpeg
from core.inference.white_cell.neighbours import Neighbour, nearest_to_crop
from core.models.weights import LoadedModel, WeightsRefused
from core.records import RgbImage, WbcCall
from core.settings import settings
from core.taxonomy import title
from pages.parts.picture import in_page

_EACH = 3


def draw_words(call: WbcCall) -> None:
    """``Segmented nucleus, small pink granules``, and what does not go with the class."""
    if call.description:
        st.markdown(f"{call.description[0].upper()}{call.description[1:]}.")
    for words in call.contradictions:
        st.markdown(f":orange-badge[contradiction] {words[0].upper()}{words[1:]}.")
    if call.unfamiliar and not any(flag.code == "novel_cell" for flag in call.flags):
        st.caption(
            "The stain or the cell is unlike the laboratory learnt from; wider limits hold for it, "
            "and rare kinds need more evidence."
        )


def draw_cells(call: WbcCall, seen: RgbImage, model: LoadedModel) -> None:
    """The nearest training cells of the class and of the runner-up, as pictures or distances."""
    ranked = sorted(call.probabilities, key=lambda label: -call.probabilities[label])[:2]
    try:
        found = nearest_to_crop(seen, ranked, model, _EACH)
    except WeightsRefused:
        return
    if not any(found.values()):
        return
    st.markdown("**Training cells that look most like it**")
    sides = st.columns(len(ranked), gap="medium")
    for side, label in zip(sides, ranked, strict=True):
        with side:
            st.caption(title(label) if found[label] else f"{title(label)}: none is stored.")
            places = st.columns(_EACH, gap="small")
            for place, one in zip(places, found[label], strict=False):
                with place:
                    _draw(one)
    st.caption("Distance 0 is the same to the network, 1 has nothing in common.")


def _draw(one: Neighbour) -> None:
    words = f"Distance {one.distance:.2f}"
    path = one.picture(settings().data)
    if path is not None:
        try:
            pixels = read_path(path, settings(), min_side_px=32).pixels
        except ImageRefused:
            path = None
        else:
            st.image(
                in_page(jpeg(pixels)),
                caption=words,
                width="stretch",
                alt=f"Training cell, {title(one.label).lower()}. {words}",
            )
    if path is None:
        st.markdown(words)
