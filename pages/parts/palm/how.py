"""How to take the photo, drawn."""

import streamlit as st

from pages.parts.kinds import ink

_RULES = (
    "Daylight from a window or shade outside; no flash, no lamp.",
    "Palm flat, fingers stretched, facing the camera; about 25 cm away.",
    "One hand, all of the palm in the picture, nothing coloured near it.",
    "A white sheet of paper beside the hand lets the light's colour be taken out.",
)

_WORDS = (
    "A flat palm on white paper in daylight is right; a lamp, a fist, and a hand too far away "
    "are wrong."
)


def draw() -> None:
    """Picture and four rules."""
    st.image(_drawing(), width=520, alt=_WORDS)
    st.markdown("\n".join(f"- {rule}" for rule in _RULES))


def _drawing() -> str:
    """Window, hand on paper, telephone above it; and what not to do, crossed out."""
    line, good, bad = ink(), "#009e73", "#cc3311"
    hand = _hand(line)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 520 150" width="520" '
        'height="150">'
        # right: window, rays, paper with hand
        f'<rect x="8" y="12" width="46" height="60" fill="#cfe8f7" stroke="{line}"/>'
        f'<path d="M31 12V72M8 42H54" stroke="{line}"/>'
        '<path d="M60 40L96 52M60 56L94 72M58 70L90 92" stroke="#e69f00" stroke-width="2" '
        'stroke-dasharray="5 3"/>'
        f'<rect x="100" y="22" width="120" height="112" fill="#fff" stroke="{line}"/>'
        f'<g transform="translate(128 30)">{hand}</g>'
        f'<path d="M28 112l10 12 22-28" fill="none" stroke="{good}" stroke-width="6"/>'
        # wrong: lamp, fist, far away
        f'<g transform="translate(262 18)"><path d="M20 4l22 0 10 26h-42z" fill="#e69f00" '
        f'fill-opacity=".55" stroke="{line}"/><g transform="translate(8 42) scale(.62)">{hand}</g>'
        f"{_cross(bad)}</g>"
        f'<g transform="translate(352 18)"><rect x="8" y="40" width="46" height="44" rx="16" '
        f'fill="#e8b79c" stroke="{line}"/><path d="M20 40v22M31 40v22M42 40v22" stroke="{line}"/>'
        f"{_cross(bad)}</g>"
        f'<g transform="translate(440 18)"><rect x="2" y="20" width="62" height="72" fill="none" '
        f'stroke="{line}"/><g transform="translate(24 44) scale(.24)">{hand}</g>{_cross(bad)}</g>'
        f'<g font-family="sans-serif" font-size="12" fill="{line}" text-anchor="middle">'
        '<text x="295" y="144">lamp, flash</text><text x="384" y="144">closed</text>'
        '<text x="474" y="144">too far</text></g></svg>'
    )


def _hand(line: str) -> str:
    fingers = "".join(
        f'<rect x="{x}" y="{y}" width="11" height="{48 - y}" rx="5.5" fill="#e8b79c" '
        f'stroke="{line}"/>'
        for x, y in ((12, 6), (24, 0), (36, 4), (48, 14))
    )
    return (
        f'{fingers}<rect x="10" y="40" width="50" height="52" rx="12" fill="#e8b79c" '
        f'stroke="{line}"/>'
        '<rect x="-6" y="46" width="26" height="12" rx="6" fill="#e8b79c" '
        f'stroke="{line}" transform="rotate(38 6 52)"/>'
        '<path d="M18 62q18-12 36-2M16 74q20-14 38-4" '
        f'fill="none" stroke="{line}" stroke-width="1.4"/>'
    )


def _cross(colour: str) -> str:
    return f'<path d="M2 112l60-104" stroke="{colour}" stroke-width="4"/>'
