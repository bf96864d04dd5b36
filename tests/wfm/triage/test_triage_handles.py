"""What handles say outside their hours, where they send people, how they state their hours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.wfm.conftest import BRAND, DAYTIME
from wfm.calendars import Hours, ServiceWindow
from wfm.care import Care, Handle
from wfm.errors import NotFound
from wfm.triage.handles import handles_of, hours_text, notice_for, redirect_for

NOTICE = "We are back {opens}."


def brand_with(*handles: Handle):
    return replace(BRAND, care=Care(handles=handles))


MAIL = brand_with(Handle("@care", "x", "mail", off_hours_notice=NOTICE))


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-03-02T05:00", "We are back 08:00 (CET)."),
        ("2026-03-02T07:00", None),
        ("2026-03-02T18:59", None),
        ("2026-03-02T19:00", "We are back Tuesday 3 March at 08:00 (CET)."),
        ("2026-03-02T23:30", "We are back 08:00 (CET)."),
        ("2026-03-28T21:00", "We are back Sunday 29 March at 08:00 (CEST)."),
        ("2026-10-24T21:00", "We are back Sunday 25 October at 08:00 (CET)."),
    ],
)
def test_a_customer_out_of_hours_is_told_the_next_opening_in_the_sites_time(
    at: str, told: str | None
):
    instant = datetime.fromisoformat(at).replace(tzinfo=UTC)

    assert notice_for(MAIL, "@care", instant, platform="x") == told


def test_a_handles_own_hours_count_before_those_of_its_queue():
    at = datetime(2026, 3, 2, 20, tzinfo=UTC)
    own = brand_with(Handle("@care", "x", "x", window=DAYTIME, off_hours_notice=NOTICE))
    queues = brand_with(Handle("@care", "x", "x", off_hours_notice=NOTICE))

    assert notice_for(own, "care", at) == "We are back Tuesday 3 March at 08:00 (CET)."
    assert notice_for(queues, "care", at) is None


def test_a_handle_without_a_notice_says_nothing():
    at = datetime(2026, 3, 2, 20, tzinfo=UTC)

    assert notice_for(brand_with(Handle("@care", "x", "mail")), "@care", at) is None


def test_only_a_handle_that_speaks_for_the_brand_sends_people_on():
    brand = brand_with(
        Handle("@brand", "x", "x", kind="brand", care_handle="@care"),
        Handle("@silent", "x", "x", kind="brand"),
    )

    assert redirect_for(brand, "@brand") == (
        "Please write to @care: our colleagues there will help you."
    )
    assert redirect_for(brand, "@silent") is None
    assert redirect_for(brand, "@care") is None
    with pytest.raises(NotFound, match="'@other' is no handle"):
        redirect_for(brand, "@other")


def test_the_handles_of_queues_are_listed_once_beside_those_of_the_file():
    names = [(handle.name, handle.queue) for handle in handles_of(MAIL)]

    assert names == [("@care", "mail")]
    assert [handle.name for handle in handles_of(BRAND)] == ["@care"]


def test_hours_are_stated_as_people_write_them():
    two = ServiceWindow(
        (
            Hours("Europe/Berlin", frozenset({0, 1, 2, 4}), 9 * 60, 18 * 60, "DE"),
            Hours("Europe/London", frozenset({5}), 600, 24 * 60),
        )
    )

    assert hours_text(BRAND, Handle("@care", "x", "x")) == "24/7"
    assert hours_text(BRAND, Handle("@care", "x", "mail")) == "mon-sun 08:00-20:00 (Europe/Berlin)"
    assert hours_text(BRAND, Handle("@care", "x", "x", window=two)) == (
        "mon-wed,fri 09:00-18:00 (Europe/Berlin, not on holidays of DE); "
        "sat 10:00-24:00 (Europe/London)"
    )
