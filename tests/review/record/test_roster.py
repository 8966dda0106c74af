"""The list of people: every change asks for the right and is in the ledger."""

from __future__ import annotations

import pytest

from core.access.sign_in import SignInRefused
from core.review.record import roster
from core.review.record.ledger import entries
from core.review.record.roster import RosterRefused


def names(store, people):
    listed = roster.everybody(store, people.administrator)
    return {line.person.subject: (line.person.role, line.active) for line in listed}


def told(store):
    with store.database.read() as connection:
        return [(entry.action, entry.who) for entry in entries(connection)]


def test_added_given_another_role_taken_off_and_let_in_again(store, people):
    anna = people.administrator
    roster.add(store, anna, subject=" Paul@Lab.Example", name="  Paul  P. ", role="viewer")
    paul = roster.welcome(store, "paul@lab.example", "ignored")
    assert (paul.name, paul.role) == ("Paul P.", "viewer")
    roster.change_role(store, anna, "paul@lab.example", "pathologist")
    assert roster.welcome(store, "paul@lab.example", "").role == "pathologist"
    roster.set_active(store, anna, "paul@lab.example", False)
    with pytest.raises(SignInRefused, match=r"Paul P\. .*may not sign in here any more"):
        roster.welcome(store, "paul@lab.example", "")
    assert names(store, people) == {"paul@lab.example": ("pathologist", False)}
    roster.set_active(store, anna, "paul@lab.example", True)
    assert roster.welcome(store, "paul@lab.example", "").role == "pathologist"
    assert told(store) == [
        ("person added", "anna"),
        ("role changed", "anna"),
        ("person taken off", "anna"),
        ("person let in again", "anna"),
    ]


def test_a_stranger_is_told_whom_to_ask(sqlite_store):
    with pytest.raises(SignInRefused, match=r"signed in as x@y\.z, whom nobody has added"):
        roster.welcome(sqlite_store, "x@y.z", "X")
    assert told(sqlite_store) == []


def test_the_first_administrator_comes_from_the_settings_once(
    sqlite_store, people, change_settings
):
    change_settings(administrators="chief@lab.example, other@lab.example")
    first = roster.welcome(sqlite_store, "chief@lab.example", "The chief")
    assert first.role == "administrator"
    roster.add(sqlite_store, first, subject="b@lab.example", name="B", role="administrator")
    roster.change_role(sqlite_store, first, "chief@lab.example", "viewer")
    # The settings open the door once; afterwards the list decides.
    assert roster.welcome(sqlite_store, "chief@lab.example", "").role == "viewer"
    assert [action for action, _ in told(sqlite_store)].count("person added") == 2


def test_the_last_administrator_stays(sqlite_store, people):
    anna = people.administrator
    roster.add(sqlite_store, anna, subject="a", name="A", role="administrator")
    for change in (
        lambda: roster.change_role(sqlite_store, anna, "a", "viewer"),
        lambda: roster.set_active(sqlite_store, anna, "a", False),
    ):
        with pytest.raises(RosterRefused, match="A is the last administrator"):
            change()
    assert names(sqlite_store, people) == {"a": ("administrator", True)}
    roster.add(sqlite_store, anna, subject="b", name="B", role="administrator")
    roster.change_role(sqlite_store, anna, "a", "viewer")
    assert names(sqlite_store, people)["a"] == ("viewer", True)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"subject": "", "name": "X", "role": "viewer"}, "give the account"),
        ({"subject": "local", "name": "X", "role": "viewer"}, "give the account"),
        ({"subject": "x", "name": " ", "role": "viewer"}, "give a name"),
        ({"subject": "x", "name": "X", "role": "local"}, "unknown role 'local'"),
        ({"subject": "PAUL", "name": "X", "role": "viewer"}, "already, as Paul"),
    ],
)
def test_what_cannot_be_added(sqlite_store, people, values, words):
    roster.add(sqlite_store, people.administrator, subject="paul", name="Paul", role="viewer")
    before = told(sqlite_store)
    with pytest.raises(RosterRefused, match=words):
        roster.add(sqlite_store, people.administrator, **values)
    assert told(sqlite_store) == before
