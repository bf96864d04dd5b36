"""What a contact is, by who wrote it and which words it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from time import process_time
from typing import Any

import pytest

from tests.wfm.conftest import BRAND
from wfm.care import AuthorFacts, Care, Handle, Triage
from wfm.cases import Contact
from wfm.errors import NotFound
from wfm.triage.classifier import Triaged
from wfm.triage.rules import REASON_MAX, rules_of

LISTS = Triage(
    own_authors=("brand-1",),
    blocked_authors=("spammer-1",),
    regulators=("fca",),
    influencers=("famous",),
    press=("daily",),
    spam_words=("free money", "casino"),
    complaint_words=("complaint", "compensation"),
    sensitive_words=("suicide", "lawyer"),
)

Classify = Callable[..., Triaged]


@pytest.fixture
def classify() -> Classify:
    def run(
        text: str = "where is my parcel",
        *,
        triage: Triage = LISTS,
        handles: tuple[Handle, ...] = (),
        facts: AuthorFacts | None = None,
        **fields: Any,
    ) -> Triaged:
        brand = replace(BRAND, care=Care(handles=handles, triage=triage))
        values = {"author": "ann", "queue": "x", "account": "@care", **fields}
        at = datetime(2026, 3, 2, 9, tzinfo=UTC)
        contact = Contact("hook", native_id="m1", text=text, published_at=at, **values)
        return rules_of(brand).classify(contact, facts or AuthorFacts())

    return run


def test_a_plain_message_is_a_plain_case(classify: Classify):
    assert classify(severity=7) == Triaged("case", "x", 7)


@pytest.mark.parametrize(
    ("fields", "sort", "reason"),
    [
        ({"author": "brand-1"}, "own", "one of our own accounts wrote it"),
        ({"author": "spammer-1"}, "spam", "its author is a known sender of spam"),
        ({"text": "win at the CASINO"}, "spam", "it holds the word of spam 'casino'"),
        ({"repost_of": "m0"}, "repost", "it merely passes on another post"),
        ({"text": "RT @care: we are open"}, "repost", "it merely passes on another post"),
        ({"text": "RT is no retweet, @care"}, "case", ""),
    ],
)
def test_what_opens_no_case_is_told_with_its_reason(
    classify: Classify, fields: dict[str, str], sort: str, reason: str
):
    found = classify(**fields)

    assert (found.sort, found.reason) == (sort, reason)


@pytest.mark.parametrize(
    ("author", "flag"), [("fca", "regulator"), ("famous", "influencer"), ("daily", "press")]
)
def test_who_is_flagged_is_heard_even_with_a_word_of_spam(
    classify: Classify, author: str, flag: str
):
    found = classify("your casino adverts", author=author)

    assert found.sort == "case"
    assert found.flags == (flag,)
    assert found.needs_level == LISTS.specialist_level
    assert found.severity >= 60


def test_without_a_specialists_queue_a_case_needs_a_specialists_level(classify: Classify):
    found = classify("I will call my lawyer")

    assert (found.queue, found.needs_level, found.flags) == ("x", 4, ("sensitive",))
    assert found.reason == "it holds the sensitive word 'lawyer'"


def test_the_specialists_queue_takes_what_is_theirs_whatever_its_sender_wanted(classify: Classify):
    found = classify(author="fca", triage=replace(LISTS, specialist_queue="mail"), queue="chat")

    assert (found.queue, found.needs_level) == ("mail", 1)


def test_a_complaint_stays_in_its_queue_with_another_target(classify: Classify):
    found = classify("this is a complaint")

    assert (found.queue, found.complexity, found.needs_level) == ("x", "complaint", 1)
    assert found.flags == ("complaint",)


def test_a_sensitive_complaint_of_a_regulator_is_all_three(classify: Classify):
    found = classify("compensation, says my lawyer", author="fca")

    assert found.flags == ("regulator", "sensitive", "complaint")
    assert found.complexity == "complaint"
    assert found.reason == (
        "its author is a regulator; it holds the sensitive word 'lawyer'; "
        "it holds the word of complaint 'compensation'"
    )


def test_what_people_say_of_an_author_counts_for_more_than_the_lists(classify: Classify):
    assert classify(author="fca", facts=AuthorFacts("blocked")).sort == "spam"
    assert classify(author="ann", facts=AuthorFacts("own")).sort == "own"
    assert classify(author="spammer-1", facts=AuthorFacts("press")).flags == ("press",)


def test_many_followers_make_an_influencer_only_where_the_brand_says_how_many(classify: Classify):
    reaching = replace(LISTS, influencer_reach=10_000)

    assert classify(triage=reaching, reach=10_000).flags == ("influencer",)
    assert classify(triage=reaching, reach=9_999).flags == ()
    assert classify(triage=reaching, facts=AuthorFacts(reach=50_000)).flags == ("influencer",)
    assert classify(reach=10_000_000).flags == ()


def test_the_account_says_the_queue_where_the_contact_does_not(classify: Classify):
    handles = (Handle("@Helps", "instagram", "mail"),)

    assert classify(queue="", account="helps", handles=handles).queue == "mail"
    # A queue's own handle needs no line in the brand file; of several queues the first has it.
    assert classify(queue="", account="CARE").queue == "x"


def test_an_unknown_account_is_told_which_handles_there_are(classify: Classify):
    with pytest.raises(NotFound, match=r"'@cars' is no handle.*its handles are @care \(x\)"):
        classify(queue="", account="@cars")


def test_an_account_on_two_channels_wants_its_platform(classify: Classify):
    handles = (Handle("@us", "x", "x"), Handle("@us", "instagram", "chat"))

    assert classify(queue="", account="@us", platform="instagram", handles=handles).queue == "chat"
    with pytest.raises(NotFound, match="a handle on x and instagram; say which"):
        classify(queue="", account="@us", handles=handles)
    with pytest.raises(NotFound, match="'@us' on email is no handle"):
        classify(queue="", account="@us", platform="email", handles=handles)


def test_a_queue_that_the_brand_does_not_have_is_told(classify: Classify):
    with pytest.raises(NotFound, match="no queue 'y'; Testbrand has x, chat, mail"):
        classify(queue="y")


def test_a_reason_fits_its_column_however_long_the_listed_word(classify: Classify):
    long = "w" * 150
    triage = Triage(sensitive_words=(long,), complaint_words=(long,))

    assert len(classify(f"so {long}!", triage=triage).reason) == REASON_MAX


def test_the_rules_of_a_brand_are_made_once():
    assert rules_of(BRAND) is rules_of(replace(BRAND))


def test_two_hundred_words_cost_microseconds_a_message(classify: Classify):
    words = tuple(f"word{i}" for i in range(200))
    brand = replace(BRAND, care=Care(triage=Triage(spam_words=words)))
    rules = rules_of(brand)
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    text = "My parcel has not arrived yet, and nobody answers the phone. Two weeks ago!"
    contact = Contact("hook", "@care", "m1", "x", "ann", text, at)

    begun = process_time()
    for _ in range(2000):
        rules.classify(contact, AuthorFacts())

    # Some 5 us here; the bound is for a machine that is ten times as busy.
    assert (process_time() - begun) / 2000 < 50e-6
