"""The drawn charts are read back as XML and their places worked out by hand."""

from xml.etree import ElementTree

import pytest

from core.studies.line_chart import Line, line_chart_svg

_SVG = "{http://www.w3.org/2000/svg}"


def _chart(**options):
    lines = [
        Line("up", [(1, 0.0), (2, 5.0), (3, 10.0)], "#0072b2", low=[0, 4, 9], high=[1, 6, 10]),
        Line("always <1", [(0, 5.0)], "#d55e00", dash="7 4"),
    ]
    return ElementTree.fromstring(line_chart_svg(lines, "A & B", "x", "y", **options))


def test_points_lie_where_their_values_are():
    circles = [(float(c.get("cx")), float(c.get("cy"))) for c in _chart().iter(f"{_SVG}circle")]
    (x0, y0), (x1, y1), (x2, y2) = circles
    # Equal steps in x and y are equal steps on the paper, and up is up.
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.11)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.11)
    assert y0 > y2
    reference = next(
        p.get("d") for p in _chart().iter(f"{_SVG}path") if p.get("stroke-dasharray") == "7 4"
    )
    across = [tuple(map(float, point.split())) for point in reference[1:].split("L")]
    assert across == [(x0, y1), (x2, y1)]


def test_words_are_escaped_and_every_line_is_named():
    words = [t.text for t in _chart().iter(f"{_SVG}text")]
    assert {"A & B", "up", "always <1", "x", "y"} <= set(words)


def test_on_a_logarithmic_axis_equal_ratios_are_equal_steps():
    svg = line_chart_svg([Line("a", [(1, 1), (2, 10), (3, 100)], "#000")], "", "", "", log_y=True)
    ys = [float(c.get("cy", 0)) for c in ElementTree.fromstring(svg).iter(f"{_SVG}circle")]
    assert ys[0] - ys[1] == pytest.approx(ys[1] - ys[2], abs=0.11)


@pytest.mark.parametrize(
    ("lines", "options", "reason"),
    [
        ([], {}, "at least two points"),
        ([Line("a", [(1, 1), (2, 0)], "#000")], {"log_y": True}, "above 0"),
    ],
)
def test_refuses_what_cannot_be_drawn(lines, options, reason):
    with pytest.raises(ValueError, match=reason):
        line_chart_svg(lines, "", "", "", **options)


def test_no_number_stands_beyond_the_axis():
    lines = [Line("a", [(1.0, 1.0), (23.0, 2.0)], "#000000")]
    root = ElementTree.fromstring(line_chart_svg(lines, "t", "epoch", "y"))
    texts = [t for t in root.iter(f"{_SVG}text") if (t.text or "").isdecimal()]
    across = [float(t.attrib["x"]) for t in texts if t.get("text-anchor") == "middle"]
    assert len(across) >= 3 and min(across) >= 64 and max(across) <= 720 - 216
