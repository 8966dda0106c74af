"""The photo with its landmarks, a place to tap the white paper, and what to do when refused."""

from typing import Any, Final

import plotly.graph_objects as go
import streamlit as st

from core.imaging.view import jpeg, shrink
from core.imaging.white_balance import ReferenceRefused, reference_colour
from core.inference.palm.picture import drawn
from core.models.weights import LoadedModel
from pages.parts.palm.session import PalmPhotoShown
from pages.parts.picture import in_page
from pages.parts.wording import plain

_LONG_SIDE_PX: Final = 900
_HEIGHT_PX: Final = 340
_GRID: Final = 60
"""Invisible points a side that a tap is caught by."""


def draw(photo: PalmPhotoShown, place: int, model: LoadedModel) -> None:
    """The photo as it was understood."""
    field = photo.field()
    if photo.refused is not None:
        hands = photo.refused.hands
        picture = drawn(field.pixels, hands, None, _LONG_SIDE_PX, numbered=len(hands) > 1)
        _show(jpeg(picture), field.width / field.height, f"{photo.name}, as it was sent")
        return
    reading = photo.reading
    assert reading is not None
    crop = reading.crop
    picture = drawn(field.pixels, (crop.hand,) if crop.hand else (), crop.corners_px, _LONG_SIDE_PX)
    words = "Blue: the hand that was found. Orange: the square that is judged, its thick side "
    words += "towards the fingers."
    if crop.hand is None:
        words = "Taken as a crop: all of it is judged."
    tapping = st.session_state.get(f"palm_tap_{place}", False)
    if tapping:
        _tap(photo, picture, field.pixels, place, model)
    else:
        _show(jpeg(picture), field.width / field.height, words)
    st.caption(words)
    if photo.reference is not None:
        st.caption("The light's colour was taken out by the paper that was tapped.")
    left, right = st.columns(2)
    left.toggle("Tap a white paper in the photo", key=f"palm_tap_{place}")
    if photo.reference is not None:
        right.button(
            "Without the paper", key=f"palm_untap_{place}", on_click=_forget, args=(photo, model)
        )


def choose_hand(photo: PalmPhotoShown, place: int, model: LoadedModel) -> None:
    """Which of several hands is meant."""
    assert photo.refused is not None
    numbers = list(range(1, len(photo.refused.hands) + 1))
    st.markdown("Which hand is to be judged?")
    row = st.container(horizontal=True)
    for number in numbers:
        row.button(
            f"Hand {number}",
            key=f"palm_hand_{place}_{number}",
            on_click=_choose,
            args=(photo, number - 1, model),
        )


def _show(picture: bytes, ratio: float, words: str) -> None:
    # A tall photo must not push the rest off the screen.
    st.image(in_page(picture), width=max(120, min(620, round(_HEIGHT_PX * ratio))), alt=words)


def _tap(photo: PalmPhotoShown, picture: Any, pixels: Any, place: int, model: LoadedModel) -> None:
    """The photo in a chart; a tap on it is the place of the paper."""
    height, width = picture.shape[:2]
    xs = [(i % _GRID + 0.5) * width / _GRID for i in range(_GRID * _GRID)]
    ys = [(i // _GRID + 0.5) * height / _GRID for i in range(_GRID * _GRID)]
    figure = go.Figure(
        go.Scatter(
            x=xs, y=ys, mode="markers", marker={"size": 12, "opacity": 0.01}, hoverinfo="none"
        )
    )
    figure.add_layout_image(
        source=in_page(jpeg(shrink(picture, _LONG_SIDE_PX))),
        x=0,
        y=0,
        sizex=width,
        sizey=height,
        xref="x",
        yref="y",
        sizing="stretch",
        layer="below",
    )
    figure.update_layout(
        height=_HEIGHT_PX,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        clickmode="event+select",
        dragmode=False,
        showlegend=False,
    )
    figure.update_xaxes(visible=False, range=[0, width], constrain="domain", constraintoward="left")
    figure.update_yaxes(
        visible=False, range=[height, 0], scaleanchor="x", constrain="domain", constraintoward="top"
    )
    event = st.plotly_chart(
        figure,
        key=f"palm_chart_{place}_{photo.sha256[:8]}",
        on_select="rerun",
        selection_mode="points",
        config={"displayModeBar": False},
    )
    points = event["selection"]["points"] if event else []
    if not points:
        st.caption("Tap the middle of the white paper.")
        return
    scale = pixels.shape[1] / width
    try:
        found = reference_colour(pixels, points[0]["x"] * scale, points[0]["y"] * scale)
    except ReferenceRefused as refusal:
        st.warning(plain(str(refusal)), icon=":material/colorize:")
        return
    if photo.reference != found:
        photo.reference = found
        photo.judge(model)
        st.rerun()


def _choose(photo: PalmPhotoShown, which: int, model: LoadedModel) -> None:
    photo.which = which
    photo.judge(model)


def _forget(photo: PalmPhotoShown, model: LoadedModel) -> None:
    photo.reference = None
    photo.judge(model)
