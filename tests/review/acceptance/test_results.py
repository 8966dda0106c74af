"""The laboratory's own CSV files, as spreadsheets of several countries write them."""

import pytest

from core.review.acceptance.results import CellResult, ResultsRefused, read_results


def read(text, name="results.csv"):
    return read_results([(name, text.encode())])


def test_counts_of_fields():
    found = read("File,Slide,RBC,WBC,Platelets\na_1.png,A,21,1,\nsub/b_1.png,B,30,0,2\n")
    assert found.counts == {
        "a_1.png": {"rbc": 21, "wbc": 1},
        "b_1.png": {"rbc": 30, "wbc": 0, "platelet": 2},
    }
    assert (found.slide_of("a_1.png"), found.slide_of("c-07.png")) == ("A", "c")


def test_semicolons_decimal_commas_and_a_byte_order_mark():
    found = read("\ufeffslide;Neutrophils;Lymphocytes;Monocytes\nA;60,5;35;4,5\n")
    assert found.shares["A"]["lymphocyte"] == pytest.approx(35)
    assert found.shares["A"]["neutrophil"] == pytest.approx(60.5)


def test_cells_counted_and_percent_come_to_the_same():
    percent = read("slide,seg,band,lymphocyte\nA,50,10,40\n").shares["A"]
    counted = read("slide,seg,band,lymphocyte\nA,100,20,80\n").shares["A"]
    assert percent == pytest.approx(counted)
    assert percent["neutrophil"] == pytest.approx(60)


def test_nucleated_red_cells_are_no_leukocytes():
    assert read("slide,neutrophil,lymphocyte,nrbc\nA,60,40,5\n").shares["A"] == {
        "neutrophil": 60,
        "lymphocyte": 40,
    }


def test_classes_of_cells_with_and_without_a_box():
    found = read("file,class,x0,y0,x1,y1\na.png,LYT,1,2,30,40\na.png,Blasts,50,2,90,40\n")
    assert found.cells["a.png"] == (
        CellResult("lymphocyte", (1, 2, 30, 40)),
        CellResult("blast", (50, 2, 90, 40)),
    )
    assert read("file,class\na.png,NEU\n").cells["a.png"] == (CellResult("neutrophil", None),)


def test_several_files_are_put_together():
    found = read_results(
        [("a.csv", b"file,rbc\nx.png,3\n"), ("b.csv", b"slide,neutrophil,lymphocyte\nx,1,1\n")]
    )
    assert found.counts and found.shares


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no CSV file"),
        ("file,rbc\n", "no lines"),
        ("patient,age\nx,3\n", "expected are file with rbc"),
        ("file,rbc\na.png,many\n", "line 2: rbc is 'many'"),
        ("file,rbc\na.png,-1\n", "line 2: rbc is '-1'"),
        ("file,rbc\na.png,1\na.png,2\n", "line 3: a.png has counts already"),
        ("file,rbc\n,1\n", "line 2: the name of the picture is missing"),
        ("file,class\na.png,unicorn\n", "line 2: 'unicorn' is no class"),
        ("file,class\na.png,LYT\na.png,MON\n", "each needs x0, y0, x1, y1"),
        ("file,class,x0,y0,x1,y1\na.png,LYT,9,0,1,5\n", "line 2: the box has no area"),
        ("slide,neutrophil,horse\nA,1,1\n", "unknown are horse"),
        ("slide,neutrophil,lymphocyte\nA,0,0\n", "the differential of A is empty"),
        ("slide,neutrophil,lymphocyte\nA,1,1\nA,1,1\n", "line 3: A has a differential already"),
        ("file,rbc,rbc\na,1,1\n", "a column twice"),
        ("\0\0\0,\0", "no CSV file"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(text, said):
    with pytest.raises(ResultsRefused, match=said) as caught:
        read(text)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused_or_read():
    with pytest.raises(ResultsRefused):
        read_results([("x.csv", bytes(range(256)) * 20)])
