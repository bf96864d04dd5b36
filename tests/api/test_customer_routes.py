"""Authors, customers, merges and erasure over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.wfm.conftest import BRAND
from wfm.cases import Contact
from wfm.ingest.intake import take_in
from wfm.settings import Settings
from wfm.store.authors import known_authors
from wfm.store.brands import save_brand
from wfm.store.engine import Store

Key = Callable[..., dict[str, str]]


@pytest.fixture
def ann(store: Store) -> int:
    """Ann has written, on X, as @ann; the id of her author."""
    return writes(store, "u-ann", "ann")


def writes(store: Store, author: str, handle: str) -> int:
    with store.writing("test") as writing:
        save_brand(writing, BRAND)
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    contact = Contact("hook", "@care", f"m-{author}", "x", author, "hello", at, handle=handle)
    take_in(store, contact, brand=BRAND, actor="test", raw_body="{}")
    with store.reading() as connection:
        return known_authors(connection, [("x", author)])["x", author][0]


class Door:
    """The API as a caller of some role sees it: answers as (status, document)."""

    def __init__(self, client: TestClient, headers: dict[str, str]) -> None:
        self._client, self._headers = client, headers

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = self._client.request(method, f"/api/v1{path}", json=body, headers=self._headers)
        return answer.status_code, answer.json() if answer.content else None


@pytest.fixture
def lead(client: TestClient, key_for: Key) -> Door:
    return Door(client, key_for("team-lead"))


@pytest.fixture
def manager(client: TestClient, key_for: Key) -> Door:
    return Door(client, key_for("manager"))


def test_an_author_is_found_by_name_and_marked(lead: Door, ann: int):
    _, page = lead("GET", "/authors?handle=ann")
    assert [(one["author_id"], one["native_id"]) for one in page["items"]] == [(ann, "u-ann")]
    assert page["next"] is None

    status, marked = lead("PUT", f"/authors/{ann}/kind", {"kind": "press"})
    assert (status, marked["kind"]) == (200, "press")
    _, detail = lead("GET", f"/authors/{ann}")
    assert (detail["kind"], detail["handles"]) == ("press", ["ann"])


def test_a_customer_is_kept_linked_changed_and_seen_whole(lead: Door, ann: int):
    status, kept = lead("POST", "/customers", {"name": "Ann", "email": "Ann@Example.com"})
    assert status == 201
    customer_id = kept["customer"]["customer_id"]
    assert lead("PUT", f"/authors/{ann}/customer", {"customer_id": customer_id}) == (204, None)
    _, changed = lead("PATCH", f"/customers/{customer_id}", {"phone": "0049 30 123456"})
    assert changed["customer"]["phone"] == "+4930123456"

    _, seen = lead("GET", f"/customers/{customer_id}")
    assert [(a["author_id"], a["handles"]) for a in seen["authors"]] == [(ann, ["ann"])]
    _, cases = lead("GET", f"/customers/{customer_id}/cases")
    assert [case["author"] for case in cases["items"]] == ["u-ann"]
    _, found = lead("GET", "/customers?email=ann@EXAMPLE.com")
    assert [one["customer_id"] for one in found["items"]] == [customer_id]

    assert lead("GET", "/customers?phone=+49 30 123456")[1] == found
    assert lead("DELETE", f"/authors/{ann}/customer") == (204, None)
    assert lead("GET", f"/customers/{customer_id}/cases")[1]["items"] == []


def test_a_merge_is_proposed_confirmed_and_undone(lead: Door, ann: int, store: Store):
    bob = writes(store, "u-bob", "bob")
    ids = [
        lead("POST", "/customers", {"name": n, "email": "us@b.de", "author_ids": [a]})[1]
        for n, a in (("Ann", ann), ("Bob", bob))
    ]
    (merge,) = ids[1]["proposed"]
    first = ids[0]["customer"]["customer_id"]
    assert merge["state"] == "proposed"

    status, done = lead("POST", f"/merges/{merge['merge_id']}/confirm")
    assert (status, done["moved"]) == (200, [bob])
    assert len(lead("GET", f"/customers/{first}")[1]["merged"]) == 1
    status, again = lead("POST", f"/merges/{merge['merge_id']}/confirm")
    assert (status, again["code"]) == (409, "illegal_move")
    assert lead("POST", f"/merges/{merge['merge_id']}/undo")[1]["state"] == "undone"
    assert lead("POST", f"/merges/{merge['merge_id']}/what")[0] == 422

    _, page = lead("GET", "/merges?state=undone")
    assert [one["merge_id"] for one in page["items"]] == [merge["merge_id"]]
    assert lead("GET", "/merges?state=proposed")[1]["items"] == []
    other = ids[1]["customer"]["customer_id"]
    status, anew = lead("POST", "/merges", {"one": first, "other": other, "evidence": "said so"})
    assert (status, anew["state"]) == (201, "proposed")


def test_erasing_says_how_much_and_is_the_managers(lead: Door, manager: Door, ann: int):
    assert lead("POST", f"/authors/{ann}/erase")[0] == 403

    status, erased = manager("POST", f"/authors/{ann}/erase")
    assert (status, erased["messages"], erased["names"]) == (200, 1, 1)
    assert set(manager("POST", f"/authors/{ann}/erase")[1].values()) == {0}
    _, kept = manager("POST", "/customers", {"name": "Ann"})
    customer_id = kept["customer"]["customer_id"]
    assert manager("POST", f"/customers/{customer_id}/erase")[1]["records"] == 1


def test_what_is_wrong_is_told(lead: Door):
    for method, path, body, status, code in (
        ("GET", "/authors/99", None, 404, "not_found"),
        ("GET", "/customers/99", None, 404, "not_found"),
        ("GET", "/customers/99/cases", None, 404, "not_found"),
        ("POST", "/merges/99/reject", None, 404, "not_found"),
        ("POST", "/customers", {}, 400, "bad_request"),
        ("POST", "/customers", {"email": "nobody"}, 400, "bad_request"),
        ("GET", "/customers?phone=x", None, 400, "bad_request"),
        ("PUT", "/authors/1/kind", {"kind": "king"}, 422, "invalid_request"),
        ("POST", "/authors/1/crm", None, 400, "bad_request"),
    ):
        answer = lead(method, path, body)
        assert (answer[0], answer[1]["code"]) == (status, code), path


def test_each_role_reaches_as_far_as_it_should(client: TestClient, key_for: Key):
    for role, method, path, status in (
        ("planner", "GET", "/authors", 403),
        ("auditor", "GET", "/merges", 200),
        ("auditor", "POST", "/customers", 403),
        ("agent", "GET", "/customers", 200),
        ("agent", "POST", "/merges/1/confirm", 403),
        ("agent", "PUT", "/authors/1/kind", 403),
        ("queue-engine", "GET", "/authors", 200),
    ):
        options = {"agent_id": "amy"} if role == "agent" else {}
        body = {"name": "Ann", "kind": "press"} if method in ("POST", "PUT") else None
        assert Door(client, key_for(role, **options))(method, path, body)[0] == status, role


def test_the_handles_state_the_hours_they_keep(lead: Door, ann: int):
    _, (handle,) = lead("GET", "/handles")

    assert (handle["name"], handle["queue"], handle["hours"]) == ("@care", "x", "24/7")


def test_the_crm_is_asked_for_an_author(
    app: FastAPI, lead: Door, store: Store, ann: int, tmp_path: Path
):
    file = tmp_path / "crm.csv"
    file.write_text("crm_id,name,x\nC1,Ann,u-ann\n", encoding="utf-8")
    app.state.settings = Settings(home=tmp_path / "home", crm=str(file))

    status, kept = lead("POST", f"/authors/{ann}/crm")
    assert (status, kept["customer"]["crm_id"]) == (200, "C1")
    assert lead("POST", f"/authors/{writes(store, 'u-bob', 'bob')}/crm")[0] == 404
