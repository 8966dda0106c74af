"""Ready comments: the site's own list, one a line, or the usual ones."""

from core.review.reading.canned_comments import MOST, USUAL, canned_comments


def test_a_sites_list_is_read_in_its_order_and_no_longer_than_there_are_keys(tmp_path):
    file = tmp_path / "comments.txt"
    file.write_text("\ufeffFirst.\n\n  Second. \n" + "Another.\n" * 20, encoding="utf-8")
    found = canned_comments(file)
    assert found[:2] == ("First.", "Second.") and len(found) == MOST


def test_without_a_list_or_with_one_that_cannot_be_read_the_usual_ones_stand(tmp_path):
    broken = tmp_path / "broken.txt"
    broken.write_bytes(b"\xff\xfe\xff")
    for file in (None, tmp_path / "gone.txt", broken):
        assert canned_comments(file) == USUAL
    assert len(USUAL) <= MOST
