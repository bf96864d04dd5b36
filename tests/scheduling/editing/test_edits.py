"""Edits are written as JSON and read back; a document that is no edit is told all its faults."""

import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from editdesk import day, instant

from scheduling.editing.edits import (
    KINDS,
    Activity,
    Assign,
    Drop,
    Edit,
    Give,
    Lengthen,
    Move,
    MoveBreak,
    Pin,
    Swap,
    Unpin,
    edit_document,
    edit_from,
    kind_of,
)
from wfm.errors import RequestError

EVERY: tuple[Edit, ...] = (
    Assign("ann", day(3), "long", 480),
    Drop("ann", day(0)),
    Move("ann", day(0), to_day=day(3)),
    Lengthen("ann", day(0), -120, by="end"),
    Swap("ann", day(0), "bob", day(4)),
    Give("ann", day(0), "cem"),
    MoveBreak("ann", day(0), 0, 105),
    Activity("ann", instant(0, 480), instant(0, 540), "meeting"),
    Pin("ann", day(0)),
    Unpin("ann", day(0)),
)


def test_every_kind_of_edit_has_a_name():
    assert [kind_of(edit) for edit in EVERY] == [
        "assign", "drop", "move", "lengthen", "swap", "give", "move_break", "activity", "pin",
        "unpin",
    ]  # fmt: skip
    assert set(KINDS.values()) == {type(edit) for edit in EVERY}


@pytest.mark.parametrize("edit", EVERY, ids=kind_of)
def test_an_edit_is_kept_as_json(edit: Edit):
    assert edit_from(json.loads(json.dumps(edit_document(edit)))) == edit


def test_what_an_edit_leaves_out_takes_its_default():
    written = {"kind": "move", "agent_id": "ann", "day": "2026-03-02", "to_start_min": 600}

    assert edit_from(written) == Move("ann", day(0), to_start_min=600)


def test_an_instant_may_be_written_in_any_zone():
    written = edit_document(EVERY[7]) | {"end": "2026-03-02T10:00:00+01:00"}

    assert edit_from(written) == Activity("ann", instant(0, 480), instant(0, 540), "meeting")


def test_every_fault_of_a_document_is_told_at_once():
    wrong = {"kind": "lengthen", "agent_id": 7, "day": "monday", "minutes": "30", "by": "magic"}

    with pytest.raises(RequestError) as raised:
        edit_from(wrong | {"colour": "red"})

    told = str(raised.value)
    assert "'agent_id' is 7, want text" in told
    assert "'day' is 'monday', want a date like 2026-03-02" in told
    assert "'minutes' is '30', want a whole number" in told
    assert "'by' is 'magic', want template or end" in told
    assert "'colour' is no field of lengthen" in told


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, "no edit None; there are assign, drop"),
        ({"kind": ["assign"]}, r"no edit \['assign'\]"),
        ({"kind": "pin", "agent_id": "ann"}, "'day' is missing"),
        (
            edit_document(EVERY[7]) | {"start": "2026-03-02T08:00"},
            "want an instant like 2026-03-02T09:00:00Z",
        ),
        (edit_document(EVERY[7]) | {"start": 5}, "want an instant"),
        (edit_document(EVERY[1]) | {"day": 5}, "want a date"),
        (edit_document(EVERY[6]) | {"index": True}, "want a whole number"),
        (edit_document(EVERY[1]) | {"day": None}, "'day' is None, want a date"),
    ],
)
def test_a_document_that_is_no_edit_is_refused(document: dict, told: str):
    with pytest.raises(RequestError, match=told):
        edit_from(document)


def test_the_instants_of_an_edit_are_instants():
    edit = edit_from(edit_document(EVERY[7]))

    assert isinstance(edit, Activity)
    assert edit.end - edit.start == timedelta(hours=1)
