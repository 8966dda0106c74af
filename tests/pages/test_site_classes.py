"""The page Settings shows the classes that a site adds, and what in its table is not used."""

from tests.fixtures.screens import opened, words


def test_a_sites_classes_and_problems_are_shown(own_var, change_settings, tmp_path):
    file = tmp_path / "classes.csv"
    file.write_text("class,title,key\nsezary_cell,Sézary cell,1\nblast,Again,2\n", encoding="utf-8")
    change_settings(site_classes=file)
    app = opened("settings")
    assert not app.exception
    assert "White-cell classes of this site" in words(app)
    assert "classes.csv, line 3" in words(app)
    assert any("Sézary cell" in str(table.value) for table in app.table)
