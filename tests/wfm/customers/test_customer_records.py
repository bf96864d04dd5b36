"""Customer records in plain form, and the authors they are known by."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.wfm.conftest import Desk
from wfm.customers.identity import (
    Kept,
    add_customer,
    change_customer,
    link,
    plain_email,
    plain_phone,
    profile_of,
    unlink,
)
from wfm.errors import Conflict, NotFound, RequestError
from wfm.store import customers, tables

LEAD = "lead:eve"


@pytest.fixture
def add(desk: Desk):
    def run(**values: Any) -> Kept:
        return add_customer(desk.store, actor=LEAD, **values)

    return run


def author_of(desk: Desk, name: str = "ann", **fields: Any) -> int:
    """An author who has written, by the platform's id."""
    case_id = desk.message(name, **fields).case_id
    assert case_id is not None
    author_id = desk.case(case_id).author_id
    assert author_id is not None
    return author_id


def authors_of(desk: Desk, customer_id: int) -> list[int]:
    with desk.store.reading() as connection:
        return [author.author_id for author in customers.authors_of(connection, customer_id)]


def audited(desk: Desk) -> list[tuple[str, Any]]:
    with desk.store.reading() as connection:
        rows = connection.execute(sa.select(tables.audit).order_by(tables.audit.c.id))
        return [(row.action, row.after) for row in rows]


# -- records -------------------------------------------------------------------------------------


def test_a_record_is_kept_in_plain_form(desk: Desk, add):
    kept = add(name=" Ann ", email="Ann@Example.com", phone="0049 (30) 123-4567", crm_id="C7")

    assert vars(kept.customer) == {
        "customer_id": kept.customer.customer_id,
        "name": "Ann",
        "email": "ann@example.com",
        "phone": "+49301234567",
        "crm_id": "C7",
        "merged_into": None,
    }
    assert kept.proposed == ()


@pytest.mark.parametrize("text", ["", "ann", "ann@", "@b.c", "a b@c.d", "a@b", "a@b." + "c" * 300])
def test_what_is_no_address_is_refused(text: str):
    with pytest.raises(RequestError, match="is no e-mail address"):
        plain_email(text)


@pytest.mark.parametrize("text", ["", "1234", "call me", "+", "12345x", "1" * 60, "١٢٣٤٥٦"])
def test_what_is_no_number_is_refused(text: str):
    with pytest.raises(RequestError, match="is no phone number"):
        plain_phone(text)


def test_a_record_of_nothing_is_refused(add):
    with pytest.raises(RequestError, match="at least a name"):
        add()


def test_a_change_is_audited_by_the_names_of_its_fields_alone(desk: Desk, add):
    customer_id = add(name="Ann").customer.customer_id

    kept = change_customer(
        desk.store, customer_id, {"email": "ann@example.com", "name": "Ann"}, actor=LEAD
    )

    assert kept.customer.email == "ann@example.com"
    assert audited(desk)[-1] == ("customer.change", {"changed": ["email"]})
    assert "example" not in str(audited(desk))
    gone = change_customer(desk.store, customer_id, {"email": ""}, actor=LEAD)
    assert gone.customer.email is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"age": "7"}, "a customer has no 'age'"),
        ({"name": "x" * 201}, "name has 201 characters; at most 200"),
        ({"name": "a\0b"}, "name holds a NUL"),
    ],
)
def test_a_change_that_cannot_be_kept_is_refused(desk: Desk, add, changes: Any, told: str):
    customer_id = add(name="Ann").customer.customer_id

    with pytest.raises(RequestError, match=told):
        change_customer(desk.store, customer_id, changes, actor=LEAD)


def test_what_does_not_exist_is_told(desk: Desk, add):
    with pytest.raises(NotFound, match="no customer 99"):
        change_customer(desk.store, 99, {"name": "x"}, actor=LEAD)
    with pytest.raises(NotFound, match="no author 99"):
        add(author_ids=[99])
    assert desk.count(tables.customers) == 0


# -- authors -------------------------------------------------------------------------------------


def test_a_customer_is_seen_over_all_their_handles(desk: Desk, add):
    on_x = author_of(desk, "7", handle="ann")
    desk.message("7", handle="anna")
    on_facebook = author_of(desk, "9", platform="facebook", handle="Ann B.")
    customer_id = add(name="Ann", author_ids=[on_x]).customer.customer_id
    link(desk.store, on_facebook, customer_id, actor=LEAD)

    profile = profile_of(desk.store, customer_id)

    assert [author.platform for author in profile.authors] == ["x", "facebook"]
    assert profile.handles == (("ann", "anna"), ("Ann B.",))
    with desk.store.reading() as connection:
        found = customers.cases_of(connection, customer_id)
        older = customers.cases_of(connection, customer_id, before=found[0].case_id)
    assert [case.author for case in found] == ["9", "7"]
    assert [case.author for case in older] == ["7"]


def test_an_author_is_one_customers_until_unlinked(desk: Desk, add):
    author_id = author_of(desk)
    first = add(author_ids=[author_id]).customer.customer_id
    second = add(name="Bob").customer.customer_id

    link(desk.store, author_id, first, actor=LEAD)
    with pytest.raises(Conflict, match=f"known to be customer {first}; propose a merge"):
        link(desk.store, author_id, second, actor=LEAD)
    for _ in range(2):
        unlink(desk.store, author_id, actor=LEAD)
    link(desk.store, author_id, second, actor=LEAD)

    assert authors_of(desk, second) == [author_id]
