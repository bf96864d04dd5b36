"""Basic queries are resolved within the hour, complaints within two days: which of the two a
message is, is told by the brand's words with less than one error in ten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.wfm.conftest import BRAND, Desk
from wfm.care import BASIC, COMPLAINT, AuthorFacts, Care, Triage
from wfm.cases import Contact
from wfm.store import clocks
from wfm.triage.rules import rules_of

WORDS = (
    "complaint", "complain", "compensation", "refund", "unacceptable", "disgusting", "terrible",
    "never again", "worst", "ombudsman", "ripped off", "beschwerde", "entschädigung", "frechheit",
    "unverschämt", "reklamation", "plainte", "remboursement", "queja",
)  # fmt: skip
CARING = replace(BRAND, care=Care(triage=Triage(complaint_words=WORDS)))

COMPLAINTS = """
I want to make a complaint about your driver
This is UNACCEPTABLE, three weeks and no parcel
where is my compensation for the cancelled flight?
Refund me now.
Worst service I ever had, never again
how do I complain about a member of staff
I was ripped off at your counter today
Das ist eine Frechheit, seit Tagen keine Antwort
Ich möchte eine Entschaedigung oder Entschädigung, sofort
REKLAMATION: das Gerät ist schon wieder kaputt
Beschwerde über Ihre Hotline
Je veux un remboursement
Quiero poner una queja
Terrible experience in your shop on Monday
I will take this to the Ombudsman
My order arrived broken and nobody cares
"""
BASIC_QUERIES = """
What time do you open tomorrow?
Is the app down? I cannot log in
How do I change my address
where can I find my invoice
Do you ship to Ireland
Can I bring a bike on the train
My password does not work
Wann öffnet die Filiale am Samstag?
Wie kann ich meinen Vertrag verlängern
Gibt es das auch in blau
bonjour, comment changer mon adresse ?
hola, a qué hora abren
Thanks, that worked!
is there a student discount
the worsted wool jumper, is it machine washable
Could you check the status of order 1234?
"""


def told(text: str) -> str:
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    contact = Contact("hook", "@care", "m1", "x", "ann", text, at)
    return rules_of(CARING).classify(contact, AuthorFacts()).complexity


def test_fewer_than_one_in_ten_is_taken_for_the_other_kind():
    labelled = [(text, "complaint") for text in COMPLAINTS.strip().splitlines()]
    labelled += [(text, "basic") for text in BASIC_QUERIES.strip().splitlines()]

    wrong = [text for text, label in labelled if told(text) != label]

    assert len(wrong) / len(labelled) < 0.10, wrong


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """SQLite alone: nothing here is decided by the database."""
    return sqlite_url


def test_the_class_decides_which_target_runs(desk: Desk):
    desk.brand = CARING
    for author, text, target in (
        ("ann", "what time do you open", BASIC),
        ("bob", "a complaint", COMPLAINT),
    ):
        taken = desk.message(author, text=text)
        assert taken.case_id is not None
        with desk.store.reading() as connection:
            found = {c.clock.metric: c.clock for c in clocks.clocks_of(connection, taken.case_id)}
        resolution = found["resolution"]
        assert (resolution.threshold_s, resolution.warn_s) == (target.threshold_s, target.warn_s)
