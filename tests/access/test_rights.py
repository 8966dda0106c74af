"""Each role may do what it is for and nothing else: every function that is given a person."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import pytest

import core.access
import core.review
import core.training
from core.access.people import Person
from core.access.rights import RIGHTS, ROLES, NotAllowed, Right
from core.review.record.review_store import ReviewStore
from core.store.database import Database

EXPECTED: dict[str, set[Right]] = {
    "technologist": {"view", "read", "upload", "analyse"},
    "pathologist": {"view", "read", "preclassify", "review", "sign", "accept"},
    "director": {"view", "read", "accept"},
    "trainer": {"view", "read", "train", "promote"},
    "administrator": {"view", "read", "configure", "manage_people", "erase"},
    "viewer": {"view", "read"},
}
"""What each role may do."""

FUNCTIONS: dict[str, tuple[Right, ...]] = {
    "core.review.acceptance.records:sign": ("accept",),
    "core.review.acceptance.records:every": ("view",),
    "core.review.acceptance.status:of_case": ("read",),
    "core.review.acceptance.status:who_may_accept": ("view",),
    "core.review.agreement_pairs:label_pairs": ("read",),
    "core.review.case.cases:create": ("upload",),
    "core.review.case.cases:change": ("upload", "review"),
    "core.review.case.cases:get": ("read",),
    "core.review.case.cases:find": ("read",),
    "core.review.case.cases:find_accession": ("read",),
    "core.review.case.cases:case_pictures_of": ("read",),
    "core.review.case.cases:picture_png": ("read",),
    "core.review.case.cases:picture_field": ("read",),
    "core.review.case.critical_calls:write_call": ("review",),
    "core.review.case.critical_calls:withdraw_call": ("review",),
    "core.review.case.critical_calls:calls_of": ("read",),
    "core.review.case.history:history": ("read",),
    "core.review.case.holders:take": ("review",),
    "core.review.case.holders:assign": ("review", "upload"),
    "core.review.case.holders:give_back": ("review",),
    "core.review.case.keep:keep_field": ("upload",),
    "core.review.case.keep:keep_palm": ("upload",),
    "core.review.case.lifecycle:cancel": ("upload", "review"),
    "core.review.case.lifecycle:reopen": ("upload", "review"),
    "core.review.case.lifecycle:include_field": ("upload", "review"),
    "core.review.case.patient:smears_of_patient": ("read",),
    "core.review.case.states:situation": ("read",),
    "core.review.case.timing:turnaround": ("read",),
    "core.review.case.timing:turnaround_by": ("read",),
    "core.review.case.worklist:worklist": ("read",),
    "core.review.exchange.contents:gather": ("read",),
    "core.review.exchange.orders:read_orders": ("upload",),
    "core.review.exchange.signed_contents:gather_signed": ("read",),
    "core.review.learning.acquaintance.acquaintance:start": ("upload",),
    "core.review.learning.acquaintance.acquaintance:again": ("upload",),
    "core.review.learning.acquaintance.acquaintance:ask_to_stop": ("upload",),
    "core.review.learning.acquaintance.acquaintance:write_named": ("train",),
    "core.review.learning.acquaintance.acquaintance:laboratory_now": ("view",),
    "core.review.learning.adaptation_offer:offer": ("view",),
    "core.review.learning.label_errors:confirm": ("review",),
    "core.review.learning.label_errors:suspected": ("train", "review"),
    "core.review.learning.queue:next_cells": ("read",),
    "core.review.learning.training_sets:make": ("train",),
    "core.review.learning.training_sets:all_sets": ("view",),
    "core.review.learning.training_sets:changed_files": ("view",),
    "core.review.learning.training_sets:proposal": ("view",),
    "core.review.reading.abnormalities:mark": ("review",),
    "core.review.reading.abnormalities:seen_of": ("read",),
    "core.review.reading.answers:answer": ("review", "preclassify"),
    "core.review.reading.blind:estimate": ("read",),
    "core.review.reading.box_confirmations:confirm_boxes": ("review",),
    "core.review.reading.box_confirmations:confirmed_by": ("read",),
    "core.review.reading.boxes:add_box": ("review",),
    "core.review.reading.boxes:change_box": ("review",),
    "core.review.reading.boxes:differences": ("read",),
    "core.review.reading.boxes:adjudicate": ("review",),
    "core.review.reading.cells:cells": ("read",),
    "core.review.reading.grades:grade": ("review",),
    "core.review.reading.grades:all_as_normal": ("review",),
    "core.review.reading.grades:grades_of": ("read",),
    "core.review.reading.grades:differences": ("read",),
    "core.review.reading.halves:are_answered": ("read",),
    "core.review.reading.halves:read_in_halves": ("review",),
    "core.review.reading.red_cells.shapes:give_shapes": ("review",),
    "core.review.reading.reference_cells:reference_cells": ("read",),
    "core.review.reading.remarks:remark": ("review",),
    "core.review.reading.remarks:change_remark": ("review",),
    "core.review.reading.remarks:remarks_of": ("read",),
    "core.review.reading.undo:undo": ("review", "preclassify"),
    "core.review.record.backup:back_up": ("configure",),
    "core.review.record.backup:restore": ("configure",),
    "core.review.record.settings_changes:known": ("configure",),
    "core.review.record.settings_changes:changes": ("configure",),
    "core.review.record.settings_changes:change": ("configure",),
    "core.review.record.roster:everybody": ("manage_people",),
    "core.review.record.roster:add": ("manage_people",),
    "core.review.record.roster:change_role": ("manage_people",),
    "core.review.record.roster:set_active": ("manage_people",),
    "core.review.retention.erasing:extent": ("erase",),
    "core.review.retention.erasing:of_patient": ("erase",),
    "core.review.retention.erasing:erase": ("erase",),
    "core.review.retention.erasing:erased": ("read",),
    "core.review.retention.rules:due": ("erase",),
    "core.review.exchange.orders:read_folder": ("upload",),
    "core.review.signature.release:turn_on": ("sign",),
    "core.review.signature.release:turn_off": ("sign",),
    "core.review.signature.release:standing_rule": ("read",),
    "core.review.signature.release:releasable": ("sign",),
    "core.review.signature.release:release": ("sign",),
    "core.review.signature.release_rule:try_rule": ("sign",),
    "core.review.signature.replay:replay": ("read",),
    "core.review.signature.signing:blockers": ("read",),
    "core.review.signature.signing:finish_reading": ("review",),
    "core.review.signature.signing:take_back_reading": ("review",),
    "core.review.signature.signing:sign": ("sign",),
    "core.review.signature.signing:amend": ("sign",),
    "core.review.signature.signing:versions": ("read",),
    "core.review.signature.verified:verified": ("read",),
    "core.review.signed_cases:signed_cases": ("read",),
    "core.training.own_classes:add": ("train",),
    "core.training.runs.folds:submit_folds": ("train",),
    "core.training.runs.sent_archives:correct": ("train",),
    "core.training.runs.sent_archives:delete_set": ("train",),
    "core.training.own_classes:add_file": ("train",),
    "core.training.promote.comparisons:ask_to_stop": ("train",),
    "core.training.promote.promotion:promote": ("promote",),
    "core.training.promote.promotion:roll_back": ("promote",),
    "core.training.runs.lifecycle:submit": ("train",),
    "core.training.runs.lifecycle:act": ("train",),
    "core.training.runs.lifecycle:describe": ("train",),
    "core.training.runs.repetitions:ask_to_stop": ("train",),
    "core.training.runs.repetitions:resume": ("train",),
    "core.training.runs.rate_trials:start": ("train",),
    "core.training.runs.rate_trials:ask_to_stop": ("train",),
    "core.training.white_cells.adaptation.adaptations:start": ("train",),
    "core.training.white_cells.adaptation.adaptations:ask_to_stop": ("train",),
    "core.training.promote.comparisons:start": ("train",),
    "core.training.promote.comparisons:begin_here": ("train",),
}
"""Module and function -> rights, one of which it asks for before anything else."""

ASKS_ANOTHER = {
    "core.review.case.cases:laboratory": "case_pictures_of",
    "core.review.case.states:next_steps": "situation",
    "core.review.case.states:possible": "situation",
    "core.review.learning.acquaintance.acquaintance:cells_to_name": "cells",
    "core.review.learning.adaptation_offer:make_set": "make",
    "core.review.reading.drawn_cells:proposals": "picture_field",
    "core.review.signature.signing:write_signature": "its callers, of the table",
    "core.review.reading.sheet:field_view": "picture_field",
    "core.review.reading.sheet:sheet": "picture_field",
    "core.review.reading.sheet:thumbnails": "picture_field",
    "core.review.record.ledger:recording": "its callers, of the table",
    "core.review.record.readings:may_write": "its callers, of the table",
    "core.review.record.readings:seen_by": "its callers, of the table",
    "core.review.record.readings:writable_by": "its callers, of the table",
    "core.review.retention.copies:case_files": "gather",
    "core.review.retention.copies:case_zip": "case_files",
    "core.review.signature.snapshot:snapshot_of": "its callers, of the table",
}
"""Functions that reach the case through another one, which is in the table."""


def _given_a_person():
    """Every public function of the three packages with a parameter for a person."""
    found = {}
    for package in (core.access, core.review, core.training):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(info.name)
            for name, function in vars(module).items():
                own = inspect.isfunction(function) and function.__module__ == module.__name__
                if not own or name.startswith("_"):
                    continue
                parameters = inspect.signature(function).parameters.values()
                if any("Person" in str(one.annotation) for one in parameters):
                    found[f"{module.__name__}:{name}"] = function
    return found


@pytest.fixture(scope="module")
def functions():
    return _given_a_person()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One for all: who may not do a thing changes nothing."""
    folder = tmp_path_factory.mktemp("desk")
    opened = Database(f"sqlite:///{folder / 'hemadesk.db'}")
    yield ReviewStore(opened, folder)
    opened.close()


def test_the_roles_are_those_of_the_site():
    assert {role: set(RIGHTS[role]) for role in ROLES} == EXPECTED
    everything = set().union(*EXPECTED.values())
    assert RIGHTS["local"] == everything


def test_every_function_that_is_given_a_person_is_in_the_table(functions):
    assert functions.keys() == FUNCTIONS.keys() | ASKS_ANOTHER.keys()


def _call(function, store, person):
    """With nothing but the store and the person: the right is asked for before all else."""
    values: dict[str, Any] = {}
    for one in inspect.signature(function).parameters.values():
        kind = str(one.annotation)
        needed = one.default is inspect.Parameter.empty
        if "Person" in kind and (needed or one.name in ("person", "who")):
            values[one.name] = person
        elif needed:
            values[one.name] = store if "ReviewStore" in kind else None
    return function(**values)


@pytest.mark.parametrize("role", ROLES)
def test_every_function_asks_for_its_right(functions, store, role, own_var):
    person = Person("Somebody", role, "somebody")
    for name, rights in FUNCTIONS.items():
        if any(right in EXPECTED[role] for right in rights):
            continue
        with pytest.raises(NotAllowed, match=rf"Somebody \({role}\) may not .*that takes the role"):
            pytest.fail(f"{name} let a {role} pass: {_call(functions[name], store, person)}")


def test_rights_are_no_obstacle_to_those_who_have_them(functions, store, own_var):
    """What a function then says of missing arguments is not asked, as long as it is no refusal."""
    for role in ROLES:
        person = Person("Somebody", role, "somebody")
        for name, rights in FUNCTIONS.items():
            if rights[0] in EXPECTED[role] and rights[0] in ("view", "read"):
                try:
                    _call(functions[name], store, person)
                except NotAllowed as refusal:
                    pytest.fail(f"{name}: {refusal}")
                except Exception:
                    pass
