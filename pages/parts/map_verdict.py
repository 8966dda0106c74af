"""What a screen says of a heat map that did not pass its checks."""

from streamlit.delta_generator import DeltaGenerator

from core.explain.faithfulness import Faithfulness


def may_be_shown(place: DeltaGenerator, verdict: Faithfulness, key: str) -> bool:
    """Whether the map is drawn: it passed, or somebody asks for it after the warning in ``place``.

    ``key`` is that of the switch, and belongs to one map.
    """
    if verdict.reliable:
        return True
    place.warning(
        f"The map is not reliable: {verdict.reason}. It is not shown as evidence.",
        icon=":material/visibility_off:",
    )
    return bool(place.toggle("Show it all the same", key=key))
