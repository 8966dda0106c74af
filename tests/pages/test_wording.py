import pytest

from core.records import Estimate
from pages.parts import wording


def seen(markdown: str) -> str:
    return markdown.replace(":small[]", "").replace("\\", "")


@pytest.mark.parametrize(
    "name",
    [
        "plain.png",
        "*bold* _it_ `code` [link](http://x.y).png",
        "<img src=x onerror=alert(1)>.png",
        ":red[critical] :material/warning: $x^2$ -> --.png",
        "www.example.org/a@b.png",
    ],
)
def test_a_file_name_is_shown_as_it_is(name):
    assert seen(wording.plain(name)) == name
    for shortcut in ("www.", "://", ":red", ":material", "->", "--", "a@b", "<img"):
        assert shortcut not in wording.plain(name).replace(":small[]", "|")


def test_a_file_name_cannot_begin_a_new_line():
    assert "\n" not in wording.plain("a\n# b.png")


def test_numbers_are_said_as_the_screens_say_them():
    assert wording.count_sentence("rbc", Estimate(23.17, 19.8, 26.4)) == (
        "RBC 23 per field (20 to 26)"
    )
    assert wording.percent(0.583) == "58 %"
    assert wording.percent(0.0) == "0 %"
    assert wording.percent(0.002) == "< 1 %"
    assert wording.percent(0.999) == "> 99 %"
    assert wording.several(1, "field") == "1 field"
    assert wording.several(12, "field") == "12 fields"
    assert wording.set_words(("monocyte", "lymphocyte")) == "Monocyte or lymphocyte"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "time left not known yet"),
        (3, "a few seconds left"),
        (42, "about 40 seconds left"),
        (150, "about 2 minutes left"),
    ],
)
def test_time_left_is_rounded(seconds, said):
    assert wording.time_left(seconds) == said
