"""A reviewer at work, to be killed: says each thing that was saved, on standard output."""

import sys
from pathlib import Path

from core.access.people import Person
from core.review.case import cases
from core.review.reading import answers, cells, remarks
from core.review.reading.answers import NewAnswer
from core.review.record.review_store import ReviewStore
from core.store.database import Database
from tests.fixtures.review import call_of, field_of, finding_of

url, folder, name = sys.argv[1:]
store = ReviewStore(Database(url), Path(folder))
who = Person("Ada", "local", "ada")
case = cases.create(store, who, name)
number = 0
while True:
    field = field_of(number)
    calls = [call_of("lymphocyte")] * 3
    picture = cases.keep_field(
        store, who, case.id, field, finding_of(field, calls), same_picture_because="both write"
    )
    print("picture", case.id, picture.id, flush=True)
    for cell in cells.cells(store, who, case.id, picture_id=picture.id):
        answers.answer(store, who, case.id, [NewAnswer(cell.id, "monocyte")])
        print("answer", case.id, cell.id, flush=True)
    remark = remarks.remark(store, who, case.id, f"after {number}")
    print("remark", case.id, remark.id, flush=True)
    number += 1
