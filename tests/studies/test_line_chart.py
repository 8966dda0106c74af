"""The charts are read back as XML: what is named, where marks stand, and that a file is stable."""

from xml.etree import ElementTree

import pytest

from core.studies.line_chart import Line, line_chart_svg

_SVG = "{http://www.w3.org/2000/svg}"

LINES = [
    Line("up", [(1, 0.0), (2, 5.0), (3, 10.0)], "#0072b2", low=[0, 4, 9], high=[1, 6, 10]),
    Line("always <1", [(0, 5.0)], "#d55e00", dash="7 4"),
]


def _chart(lines=LINES, **options):
    return ElementTree.fromstring(line_chart_svg(lines, "A & B", "x", "y", **options))


def _marks(root, colour):
    """Places of a line's round marks on the paper, without the one in the legend."""
    axes = next(g for g in root.iter(f"{_SVG}g") if g.get("id") == "axes_1")
    return [
        (float(use.get("x")), float(use.get("y")))
        for use in axes.iter(f"{_SVG}use")
        if f"fill: {colour}" in (use.get("style") or "")
    ]


def test_points_lie_where_their_values_are():
    (x0, y0), (x1, y1), (x2, y2) = _marks(_chart(), "#0072b2")
    # Equal steps in x and y are equal steps on the paper, and up is up.
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.11)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.11)
    assert y0 > y2
    reference = next(
        path.get("d")
        for path in _chart().iter(f"{_SVG}path")
        if "stroke: #d55e00" in (path.get("style") or "") and "dasharray" in path.get("style")
    )
    start, end = (tuple(map(float, p.split())) for p in reference.strip("M ").split("L"))
    assert start[1] == end[1] == pytest.approx(y1, abs=0.11)
    assert start[0] < x0 and end[0] > x2


def test_words_are_escaped_and_every_line_is_named():
    words = [t.text for t in _chart().iter(f"{_SVG}text")]
    assert {"A & B", "up", "always <1", "x", "y"} <= set(words)


def test_on_a_logarithmic_axis_equal_ratios_are_equal_steps():
    root = _chart([Line("a", [(1, 1), (2, 10), (3, 100)], "#123456")], log_y=True)
    ys = [y for _, y in _marks(root, "#123456")]
    assert ys[0] - ys[1] == pytest.approx(ys[1] - ys[2], abs=0.11)
    assert {"1", "10", "100"} <= {t.text for t in root.iter(f"{_SVG}text")}


def test_the_same_numbers_give_the_same_file():
    first = line_chart_svg(LINES, "t", "x", "y")
    assert first == line_chart_svg(LINES, "t", "x", "y")
    assert "<dc:date>" not in first


@pytest.mark.parametrize(
    ("lines", "options", "reason"),
    [
        ([], {}, "at least two points"),
        ([Line("a", [(1, 1)], "#000")], {}, "at least two points"),
        ([Line("a", [(1, 1), (2, 0)], "#000")], {"log_y": True}, "above 0"),
        ([Line("a", [(0, 1), (2, 1)], "#000")], {"log_x": True}, "above 0"),
    ],
)
def test_refuses_what_cannot_be_drawn(lines, options, reason):
    with pytest.raises(ValueError, match=reason):
        line_chart_svg(lines, "", "", "", **options)


def test_only_the_ticks_within_the_range_are_written():
    root = _chart([Line("a", [(25, 1.0), (80, 2.0)], "#000")], log_x=True, x_ticks=[5, 25, 80, 300])
    words = {t.text for t in root.iter(f"{_SVG}text")}
    assert {"25", "80"} <= words and not {"5", "300"} & words
