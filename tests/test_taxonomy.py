"""Classes that only people tell, and a site's own, are one table's: everything else asks it."""

import pytest

from core import taxonomy
from core.slide import judgement
from core.slide.differential import of_labels

TABLE = """class,title,key,parent,critical,leukocyte,code,code_system
sezary_cell,Sézary cell,1,lymphocyte,yes,,34919-1,
megakaryocyte,Megakaryocyte,2,,no,no,LOC-7,https://laboratory.example/codes
blast,Another blast,3,,,,,
Bad Name,Bad,4,,,,,
twice,Same key,1,,,,,
orphan,Of no class,5,giraffe,,,,
"""


@pytest.fixture
def site(tmp_path, change_settings):
    file = tmp_path / "classes.csv"
    file.write_text(TABLE, encoding="utf-8")
    change_settings(site_classes=file)
    return file


def test_no_two_classes_share_a_key_or_a_name():
    keys = [*taxonomy.KEYS.values(), *(one.key for one in taxonomy.READER_CLASSES)]
    assert len(set(keys)) == len(keys) and not set(keys) & taxonomy.DESK_KEYS
    labels = taxonomy.answer_labels()
    assert len(set(labels)) == len(labels) and all(len(label) <= 40 for label in labels)
    assert set(taxonomy.WBC_CLASSES) | {taxonomy.UNIDENTIFIED} < set(labels)


def test_a_part_is_as_critical_as_its_class_and_learnt_as_it():
    for one in taxonomy.READER_CLASSES:
        assert one.model_class is None or one.model_class in taxonomy.WBC_CLASSES
        if one.model_class in taxonomy.CRITICAL_CLASSES:
            assert taxonomy.is_critical(one.label)
    assert taxonomy.model_class("myelocyte") == "immature_granulocyte"
    assert taxonomy.model_class("other_cell") is None
    assert taxonomy.model_class("unidentified") is None
    assert judgement.cell_is_critical(None, "promyelocyte")
    assert not judgement.cell_is_critical(None, "reactive_lymphocyte")


def test_a_divided_class_is_a_total_before_its_parts():
    labels = ["myelocyte"] * 2 + ["metamyelocyte"] + ["immature_granulocyte"] + ["plasma_cell"]
    labels += ["reactive_lymphocyte"] * 2 + ["lymphocyte"] * 3 + ["smudge"]
    found = of_labels(labels, set(taxonomy.WBC_CLASSES))
    rows = {row.label: row for row in found.rows}
    assert found.leukocytes == 10 and found.not_counted == {"smudge": 1}
    assert (rows["immature_granulocyte"].cells, rows["lymphocyte"].cells) == (4, 5)
    assert rows["myelocyte"].is_part_of == "immature_granulocyte"
    assert rows["plasma_cell"].is_part_of is None and rows["plasma_cell"].share == 0.1
    assert "promyelocyte" not in rows and rows["basophil"].cells == 0
    assert sum(row.cells for row in found.rows if row.is_part_of is None) == 10
    order = [row.label for row in found.rows]
    assert order.index("lymphocyte") + 1 == order.index("reactive_lymphocyte")


def test_a_sites_table_adds_classes_and_says_what_it_does_not_take(site):
    found = taxonomy.site_classes()
    assert [one.label for one in found.classes] == ["sezary_cell", "megakaryocyte"]
    assert [problem.split(": ", 1)[0] for problem in found.problems] == [
        "classes.csv, line 4", "classes.csv, line 5", "classes.csv, line 6", "classes.csv, line 7",
    ]  # fmt: skip
    assert "key 1 is in use" in found.problems[2] and "giraffe" in found.problems[3]
    assert taxonomy.title("sezary_cell") == "Sézary cell"
    assert "sezary_cell" in taxonomy.critical_labels()
    assert not taxonomy.is_leukocyte("megakaryocyte")
    # Written anew, it is read anew.
    site.write_text("class,title\nhaemophage,Haemophagocyte\n")
    assert taxonomy.answer_labels()[-2:] == ("haemophage", taxonomy.UNIDENTIFIED)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"name\nx\n"])
def test_a_table_that_is_none_is_said(site, content):
    site.write_bytes(content)
    found = taxonomy.site_classes()
    assert not found.classes and len(found.problems) == 1 and "classes.csv" in found.problems[0]
    site.unlink()
    assert taxonomy.site_classes().problems == ("classes.csv: there is no such file",)
