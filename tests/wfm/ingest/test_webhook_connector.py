"""The body of a webhook becomes contacts, or is told with everything that is wrong with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.cases import Contact
from wfm.errors import DataError
from wfm.ingest.connectors.webhook import MESSAGES_MAX, Webhook


def a_message(**fields: Any) -> dict[str, Any]:
    return {
        "id": "m1",
        "account": "@care",
        "author": {"id": "u1"},
        "text": "hello",
        "published_at": "2026-03-02T10:00:00+01:00",
        **fields,
    }


def read(document: Any) -> list[tuple[Contact, str]]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return list(Webhook().read(body, source="shop"))


def test_one_message_is_read_with_all_its_fields():
    message = a_message(
        revision=2,
        queue="x",
        platform="x",
        severity=7,
        in_reply_to=99,
        repost_of="m0",
        kind="edit",
        author={"id": 4711, "handle": "@ann", "followers": 10, "verified": True},
        unknown={"is": "ignored"},
    )
    ((contact, raw),) = read(message)
    assert contact == Contact(
        source="shop",
        account="@care",
        native_id="m1",
        queue="x",
        author="4711",
        text="hello",
        published_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
        revision=2,
        severity=7,
        kind="edit",
        in_reply_to="99",
        repost_of="m0",
        platform="x",
        handle="@ann",
        reach=10,
        verified=True,
    )
    assert json.loads(raw) == message


def test_several_messages_are_read_in_their_order_each_with_its_own_part():
    found = read({"messages": [a_message(id=f"m{n}", text="سلام 🙂") for n in range(3)]})
    assert [contact.native_id for contact, _ in found] == ["m0", "m1", "m2"]
    assert json.loads(found[1][1])["id"] == "m1"
    assert "سلام 🙂" in found[1][1]


def test_a_deletion_needs_no_text_time_or_author_and_an_author_who_is_gone_no_id():
    ((deletion, _),) = read({"kind": "deletion", "id": "m1", "account": "@care"})
    ((gone, _),) = read({"kind": "author_deleted", "account": "@care", "author": "u1"})
    assert (deletion.kind, deletion.native_id, deletion.author) == ("deletion", "m1", "")
    assert (gone.kind, gone.native_id, gone.author) == ("author_deleted", "author:u1", "u1")


def test_all_that_is_wrong_is_told_at_once_with_its_place():
    with pytest.raises(DataError) as told:
        read(
            {
                "messages": [
                    a_message(),
                    {"id": None, "text": 5, "published_at": "yesterday", "author": {"id": "u"}},
                    "no object",
                    a_message(kind="poke", revision=-1, severity=True, published_at="2026-03-02"),
                ]
            }
        )
    assert told.value.details["faults"] == [
        "messages[1].account is missing; give it",
        "messages[1].id is None; give it",
        "messages[1].text is 5; it is text, and may be empty",
        "messages[1].published_at is 'yesterday'; write an instant with its zone, as "
        "2026-03-02T09:00:00Z",
        "messages[2] is 'no object'; it must be an object",
        "messages[3].kind is 'poke'; it is one of message, edit, deletion, author_deleted",
        "messages[3].published_at is '2026-03-02'; write an instant with its zone, as "
        "2026-03-02T09:00:00Z",
        "messages[3].revision is -1; it is a whole number, 0 or more",
        "messages[3].severity is True; it is a whole number, 0 or more",
    ]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "line 1, column 1"),
        (b"{", "not JSON"),
        (b'{"id": "caf\xe9"}', "not UTF-8: byte 11 is 0xe9"),
        ("{}".encode("utf-16"), "not UTF-8: byte 0 is 0xff"),
        (b"[" * 100_000, "not JSON that can be read"),
        (b"9" * 10_000, "not JSON that can be read"),
        (b"NaN", "NaN is no number of JSON"),
        (b"[]", "it must be an object"),
        (b"null", "it must be an object"),
        (b'{"messages": []}', "a list of 1 to 1000 messages"),
        (b'{"messages": {}}', "a list of 1 to 1000 messages"),
    ],
)
def test_a_body_that_is_no_list_of_messages_is_told(body, told):
    with pytest.raises(DataError, match=told):
        read(body)


def test_too_many_messages_and_too_many_faults_are_told_briefly():
    with pytest.raises(DataError, match="1 to 1000"):
        read({"messages": [a_message()] * (MESSAGES_MAX + 1)})
    with pytest.raises(DataError, match=r"and 480 more$") as told:
        read({"messages": [{}] * 100})
    assert len(told.value.message) < 3000


def test_a_byte_order_mark_is_no_fault_and_a_nul_is_replaced():
    body = b"\xef\xbb\xbf" + json.dumps(a_message(text="a\0b")).encode()
    ((contact, _),) = read(body)
    assert contact.text == "a\N{REPLACEMENT CHARACTER}b"


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["id", "account", "author", "text", "published_at", "revision", "kind", "severity", "platform"]
)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(changes=st.dictionaries(FIELDS, JSON, max_size=3))
def test_whatever_stands_in_a_field_is_read_or_told(changes):
    try:
        read(a_message(**changes))
    except DataError as error:
        told = error.message
    else:
        told = "message"
    assert told.startswith("message")
