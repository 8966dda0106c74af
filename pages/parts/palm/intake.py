"""Where photos of palms come in: files or the camera."""

from typing import Final

import streamlit as st

from core.imaging.folders import PICTURE_ENDINGS
from core.inference.palm.crop import Kind
from core.models import hand
from core.models.weights import LoadedModel
from core.settings import settings
from pages.parts import upload_limits, wording
from pages.parts.palm.session import PalmSession

_TYPES = [ending[1:] for ending in PICTURE_ENDINGS]
_KINDS: Final[dict[Kind, str]] = {
    "auto": "Find out",
    "hand": "A hand",
    "crop": "A crop of the palm",
}


def draw(palm: PalmSession) -> None:
    """Files or camera, what is on the photos, and the button that has them judged."""
    way = st.segmented_control(
        "Where the photo comes from",
        ["Files", "Camera"],
        default="Files",
        required=True,
        key="palm_way",
        label_visibility="collapsed",
    )
    st.segmented_control(
        "What is on it",
        list(_KINDS),
        format_func=lambda kind: _KINDS[kind],
        default="auto",
        required=True,
        key="palm_kind",
    )
    camera, uploader = f"palm_camera_{palm.intake}", f"palm_files_{palm.intake}"
    if way == "Camera":
        upload_limits.at_most(settings().max_file_mb)  # the widget itself has no such setting
        number = int(st.camera_input("Palm", key=camera) is not None)
    else:
        sent = st.file_uploader(
            "Photos of palms",
            type=_TYPES,
            accept_multiple_files=True,
            key=uploader,
            label_visibility="collapsed",
            max_upload_size=upload_limits.at_most(settings().max_file_mb),
        )
        number = len(sent)
    st.button(
        f"Screen {wording.several(number, 'photo')}" if number else "Screen photos",
        type="primary",
        disabled=not number,
        key="palm_go",
        width="stretch",
        on_click=_send,
        args=(palm, camera if way == "Camera" else uploader),
    )
    if not hand.available():
        st.info(
            "Hands cannot be found in this installation, so send crops that show nothing but "
            "palm. With Python 3.11 and a network, `make hands` adds it.",
            icon=":material/back_hand:",
        )


def _send(palm: PalmSession, widget: str) -> None:
    """The photos of this widget wait to be judged; the page does that, with its name on screen."""
    sent = st.session_state.get(widget)
    if not sent:
        return
    files = [(file.name, file.getvalue()) for file in sent] if isinstance(sent, list) else []
    if not files:
        files = [(f"camera {len(palm.photos) + 1}.jpg", sent.getvalue())]
    palm.send(files, st.session_state.get("palm_kind") or "auto")
    palm.intake += 1


def judge_waiting(palm: PalmSession, model: LoadedModel) -> None:
    """Judge what was sent and not begun."""
    if palm.waiting:
        words = f"Looking at {wording.several(len(palm.waiting), 'photo')}"
        with st.spinner(words, show_time=False):
            palm.judge_waiting(model)
