"""The list of people: every change asks for the right and is in the ledger."""

from __future__ import annotations

import pytest

from core.access.sign_in import SignInRefused
from core.review.record import roster
from core.review.record.ledger import entries
from core.review.record.roster import RosterRefused


def names(desk, people):
    listed = roster.everybody(desk, people.administrator)
    return {line.person.subject: (line.person.role, line.active) for line in listed}


def told(desk):
    with desk.database.read() as connection:
        return [(entry.action, entry.who) for entry in entries(connection)]


def test_added_given_another_role_taken_off_and_let_in_again(desk, people):
    anna = people.administrator
    roster.add(desk, anna, subject=" Paul@Lab.Example", name="  Paul  P. ", role="viewer")
    paul = roster.welcome(desk, "paul@lab.example", "ignored")
    assert (paul.name, paul.role) == ("Paul P.", "viewer")
    roster.change_role(desk, anna, "paul@lab.example", "pathologist")
    assert roster.welcome(desk, "paul@lab.example", "").role == "pathologist"
    roster.set_active(desk, anna, "paul@lab.example", False)
    with pytest.raises(SignInRefused, match=r"Paul P\. .*may not sign in here any more"):
        roster.welcome(desk, "paul@lab.example", "")
    assert names(desk, people) == {"paul@lab.example": ("pathologist", False)}
    roster.set_active(desk, anna, "paul@lab.example", True)
    assert roster.welcome(desk, "paul@lab.example", "").role == "pathologist"
    assert told(desk) == [
        ("person added", "anna"),
        ("role changed", "anna"),
        ("person taken off", "anna"),
        ("person let in again", "anna"),
    ]


def test_a_stranger_is_told_whom_to_ask(sqlite_desk):
    with pytest.raises(SignInRefused, match=r"signed in as x@y\.z, whom nobody has added"):
        roster.welcome(sqlite_desk, "x@y.z", "X")
    assert told(sqlite_desk) == []


def test_the_first_administrator_comes_from_the_settings_once(sqlite_desk, people, site):
    site(administrators="chief@lab.example, other@lab.example")
    first = roster.welcome(sqlite_desk, "chief@lab.example", "The chief")
    assert first.role == "administrator"
    roster.add(sqlite_desk, first, subject="b@lab.example", name="B", role="administrator")
    roster.change_role(sqlite_desk, first, "chief@lab.example", "viewer")
    # The settings open the door once; afterwards the list decides.
    assert roster.welcome(sqlite_desk, "chief@lab.example", "").role == "viewer"
    assert [action for action, _ in told(sqlite_desk)].count("person added") == 2


def test_the_last_administrator_stays(sqlite_desk, people):
    anna = people.administrator
    roster.add(sqlite_desk, anna, subject="a", name="A", role="administrator")
    for change in (
        lambda: roster.change_role(sqlite_desk, anna, "a", "viewer"),
        lambda: roster.set_active(sqlite_desk, anna, "a", False),
    ):
        with pytest.raises(RosterRefused, match="A is the last administrator"):
            change()
    assert names(sqlite_desk, people) == {"a": ("administrator", True)}
    roster.add(sqlite_desk, anna, subject="b", name="B", role="administrator")
    roster.change_role(sqlite_desk, anna, "a", "viewer")
    assert names(sqlite_desk, people)["a"] == ("viewer", True)


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
def test_what_cannot_be_added(sqlite_desk, people, values, words):
    roster.add(sqlite_desk, people.administrator, subject="paul", name="Paul", role="viewer")
    before = told(sqlite_desk)
    with pytest.raises(RosterRefused, match=words):
        roster.add(sqlite_desk, people.administrator, **values)
    assert told(sqlite_desk) == before
