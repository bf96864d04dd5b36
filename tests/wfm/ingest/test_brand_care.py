"""The brand file's `[care]`: what it says, what it leaves out, and all its faults at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wfm.brands import Brand
from wfm.calendars import Hours, ServiceWindow
from wfm.care import (
    Care,
    Exceptions,
    Handle,
    Policy,
    PolicyStep,
    ResolutionTarget,
    Retention,
    Rung,
)
from wfm.errors import FileFaults
from wfm.ingest.brandfile import import_brand, read_brand
from wfm.store.brands import load_brand
from wfm.store.engine import Store

SMALL = """
format = 1
[site]
name = "Small"
zone = "Europe/Berlin"
[[queues]]
name = "x"
channel = "x"
handle = "@small"
language = "en"
window = "24/7"
[[queues]]
name = "mail"
channel = "email"
handle = "help@small.example"
language = "en"
window = "mon-fri 09:00-18:00"
[[templates]]
name = "early"
minutes = 480
starts = ["06:00"]
[[contracts]]
name = "full"
templates = ["early"]
max_hours_per_day = 8
max_hours_per_week = 40
"""


@pytest.fixture
def brand_of(tmp_path: Path) -> Callable[[str], Brand]:
    def read(care: str) -> Brand:
        path = tmp_path / "brand.toml"
        path.write_text(SMALL + care, encoding="utf-8")
        return read_brand(path)

    return read


def faults_of(read: Callable[[str], Brand], care: str) -> list[str]:
    with pytest.raises(FileFaults) as caught:
        read(care)
    return [str(fault) for fault in caught.value.faults]


def page_brand(examples: dict[str, str], folder: Path) -> Path:
    """The page's brand with the page's care."""
    path = folder / "brand.toml"
    path.write_text(examples["brand.toml"] + examples["care.toml"], encoding="utf-8")
    return path


def test_the_care_of_the_page_is_stored_as_it_was_read(
    local: Store, examples: dict[str, str], tmp_path: Path
):
    path = page_brand(examples, tmp_path)
    import_brand(local, path, actor="tester")

    with local.reading() as connection:
        stored = load_brand(connection)
    assert stored == read_brand(path)
    assert import_brand(local, path, actor="tester").unchanged == 1


def test_the_care_of_the_page_says_what_the_page_says(examples: dict[str, str], tmp_path: Path):
    care = read_brand(page_brand(examples, tmp_path)).care

    hours = ServiceWindow((Hours("Europe/Berlin", frozenset(range(5)), 480, 1200),))
    notice = "Nobody is here just now. We answer again {opens}."
    assert care.handles == (
        Handle("@pinehelps", "x", "x", "care", hours, notice),
        Handle("@harbourandpine", "x", "x", "brand", care_handle="@pinehelps"),
    )
    assert care.automatic
    assert care.triage.influencer_reach == 100_000
    assert care.triage.sensitive_words == ("lawyer", "data breach")
    assert care.ladder == (Rung(300, "alert"), Rung(0, "open"))
    assert care.policy == Policy(
        (
            PolicyStep("acknowledge", text="Thank you, we have your message and are on it."),
            PolicyStep("put_off", 300, ("linkedin",), 1800),
        )
    )
    assert care.exceptions == Exceptions((("agent", 25.0), ("team-lead", 150.0)))
    assert care.retention == Retention(730, 90)


@pytest.mark.parametrize("care", ["", "[care]\n", "[care.triage]\n[care.policy]\n"])
def test_what_is_left_out_takes_the_default(brand_of, care: str):
    assert brand_of(care).care == Care()


def test_an_empty_list_is_not_left_out(brand_of):
    care = brand_of("[care]\nladder = []\n[care.policy]\nsteps = []\n").care

    assert care.ladder == ()
    assert care.policy.steps == ()


def test_every_other_key_is_read(brand_of):
    care = brand_of(
        """
[care]
reopen_s = 0
heartbeat_s = 30
repeat_s = 60
badge_window_s = 3600
basic = { threshold_s = 1800 }
complaint = { warn_s = 600 }
[care.triage]
blocked_authors = ["s", "s"]
influencers = ["i"]
press = ["p"]
specialist_queue = "mail"
[[care.ladder]]
slack_s = 60
action = "severity"
severity = 90
[[care.ladder]]
slack_s = -600
action = "queue"
queue = "mail"
[care.policy]
horizon_s = 7200
quiet_s = 900
[[care.policy.steps]]
action = "call_out"
agents = ["amy"]
[care.exceptions]
manager = 1000
"""
    ).care

    assert (care.reopen_s, care.heartbeat_s, care.repeat_s) == (0, 30, 60)
    assert care.badge_window_s == 3600
    assert care.basic == ResolutionTarget(1800, 1800)
    assert care.complaint == ResolutionTarget(172_800, 600)
    assert care.triage.blocked_authors == ("s",)
    assert care.triage.specialist_queue == "mail"
    assert care.ladder == (Rung(60, "severity", 90), Rung(-600, "queue", queue="mail"))
    assert care.policy == Policy((PolicyStep("call_out", agents=("amy",)),), 7200, 900)
    assert care.exceptions.limit_of("manager") == 1000
    assert care.exceptions.limit_of("agent") == 20
    assert care.exceptions.limit_of("auditor") == 0


HANDLE = '[[care.handles]]\nname = "@small"\nchannel = "x"\nqueue = "x"\n'


@pytest.mark.parametrize(
    ("care", "told"),
    [
        ("[care]\nlease = 5\n", "care.lease: unknown key; did you mean 'lease_s'?"),
        ("[care]\nlease_s = 5\n", "care.lease_s: '5': want a whole number from 30 to 86400"),
        ("[care]\nautomatic = 1\n", "care.automatic: '1': want true or false"),
        (
            "[care]\nbasic = { threshold_s = 600, warn_s = 700 }\n",
            "care.basic.warn_s: '700': the warning would come after the 600 s that are promised",
        ),
        (HANDLE.replace('"x"\nqueue', '"y"\nqueue'), "care.handles[1].channel: 'y': use one of x"),
        (HANDLE.replace('queue = "x"', 'queue = "y"'), "the brand has no queue of that name"),
        (HANDLE + HANDLE.replace("@small", "SMALL"), "number 1 of the list is that handle already"),
        (HANDLE + 'window = "always"\n', "care.handles[1].window: 'always'"),
        (
            HANDLE + 'off_hours_notice = "back {tomorrow}"\n',
            "'{tomorrow}': only {opens} is filled in a notice",
        ),
        (HANDLE + 'care_handle = "@other"\n', 'only a handle of kind = "brand" sends complaints'),
        (
            HANDLE + 'kind = "brand"\ncare_handle = "@smal"\n',
            "'@smal': no handle of that name stands there to help; did you mean '@small'?",
        ),
        ('[care.triage]\nspam_words = ["a", ""]\n', "one of the texts is empty; take it out"),
        ('[care.triage]\nspam_words = ["\\u0301"]\n', "of this nothing is left without accents"),
        (
            '[care.triage]\nspam_words = ["Refund"]\ncomplaint_words = ["refund"]\n',
            "'refund': it stands in spam_words too, so nobody would ever read it",
        ),
        (
            '[care.triage]\nregulators = ["7"]\nblocked_authors = ["7"]\n',
            "care.triage.regulators: '7': it stands in blocked_authors too; choose one",
        ),
        ('[care.triage]\nspecialist_queue = "vip"\n', "'vip': the brand has no queue of that name"),
        ("[care.triage]\nspecialist_level = 6\n", "want a whole number from 1 to 5"),
        (
            '[[care.ladder]]\nslack_s = 0\naction = "alert"\n'
            '[[care.ladder]]\nslack_s = 60\naction = "alert"\n',
            "'60': a case climbs rung by rung; this one comes after that of 0 s",
        ),
        (
            '[[care.ladder]]\nslack_s = 0\naction = "alert"\nseverity = 5\n',
            "'5': only action = 'severity' takes it",
        ),
        (
            '[[care.ladder]]\nslack_s = 0\naction = "severity"\n',
            "care.ladder[1].severity: missing; it has no default",
        ),
        ('[[care.ladder]]\nslack_s = 0\naction = "shout"\n', "'shout': use one of alert, severity"),
        (
            '[[care.policy.steps]]\naction = "acknowledge"\nafter_s = 60\n'
            '[[care.policy.steps]]\naction = "spike_mode"\n',
            "'0': steps are taken in the order they are written; this one would come before",
        ),
        (
            '[[care.policy.steps]]\naction = "put_off"\nqueues = ["y"]\n',
            "'y': the brand has no queue of that name",
        ),
        (
            '[[care.policy.steps]]\naction = "spike_mode"\ntext = "hi"\n',
            "'hi': only action = 'acknowledge' takes it",
        ),
        ("[care.exceptions]\nking = 5\n", "care.exceptions.king: unknown key"),
        ("[care.exceptions]\nagent = -5\n", "'-5': want a number, at least 0"),
        ("[care.retention]\nraw_days = 0\n", "'0': want a whole number from 1 to 36600"),
    ],
)
def test_a_fault_names_its_place_its_value_and_the_way_out(brand_of, care: str, told: str):
    faults = faults_of(brand_of, care)

    assert len(faults) == 1
    assert told in faults[0]
    assert faults[0].startswith("line ")


def test_all_faults_are_told_at_once(brand_of):
    faults = faults_of(
        brand_of,
        "[care]\nlease_s = 1\nhandels = 2\n[care.triage]\npress = 7\n"
        "[care.retention]\nraw_days = 'x'\n",
    )

    assert len(faults) == 4
