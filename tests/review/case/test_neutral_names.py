"""What a sent file is called, often its patient's name, does not get into a case or the ledger."""

from __future__ import annotations

import json

from sqlalchemy import select

from core.review.case import cases
from core.review.exchange.case_tables import case_csv, case_json
from core.review.exchange.contents import gather
from core.store.schema import metadata
from tests.fixtures.review import call_of, field_of, finding_of

CALL = {"file": "Meier Anna.jpg", "anemia_probability": 0.3, "model": "palm@1", "flags": []}


def kept(store, people, case):
    for seed, name in enumerate(("Meier Anna 1.png", "Meier Anna 2.png"), start=5):
        field = field_of(seed, name=name)
        finding = finding_of(field, [call_of("monocyte")])
        cases.keep_field(store, people.technologist, case.id, field, finding)
    palm = field_of(9, name="Meier Anna.jpg")
    cases.keep_palm(store, people.technologist, case.id, palm, CALL)
    # The same picture again is the one that is there.
    again = cases.keep_palm(store, people.technologist, case.id, palm, CALL)
    assert again.kind == "palm"
    return cases.case_pictures_of(store, people.viewer, case.id)


def everything(store):
    with store.database.read() as connection:
        return "\n".join(
            str(row)
            for table in metadata.sorted_tables
            for row in connection.execute(select(table))
        )


def test_pictures_are_called_field_and_palm(sqlite_store, people):
    case = cases.create(sqlite_store, people.technologist, "A-1")
    names = [picture.name for picture in kept(sqlite_store, people, case)]
    assert names == ["field 1", "field 2", "palm 1"]
    contents = gather(sqlite_store, people.viewer, case.id)
    for text in (everything(sqlite_store), case_json(contents), case_csv(contents)):
        assert "Meier" not in text
    assert json.loads(contents.pictures[0].finding_text)["file"] == "field 1"


def test_a_site_may_keep_the_names(sqlite_store, people, change_settings):
    change_settings(keep_file_names=True)
    case = cases.create(sqlite_store, people.technologist, "A-1")
    names = [picture.name for picture in kept(sqlite_store, people, case)]
    assert names == ["Meier Anna 1.png", "Meier Anna 2.png", "Meier Anna.jpg"]
