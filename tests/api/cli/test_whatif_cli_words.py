"""What `wfm whatif` says, word for word: scenarios, their effect, repairs and curves."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scheduling"))
from rosters import make_brand

from api.cli import whatiftold, whatifwords
from api.cli.curves import clock_ruler, curve_step, height_line, share_line
from api.cli.shell import watched
from api.cli.whatifasked import Asked, scenario_of
from api.cli.whatifrepairs import chosen, repairs_document, say_repairs
from api.planning.whatif.presets import Preset, SurgeTemplate
from api.planning.whatif.scenarios import Comparison, SavedScenario
from scheduling.editing.changes import Change
from scheduling.whatif.results import (
    Evaluation,
    Peak,
    QueueEffect,
    Ranked,
    Refusal,
    Repair,
    Repairs,
    Together,
)
from scheduling.whatif.scenario import (
    Absence,
    Extra,
    Goal,
    Handling,
    Loan,
    Policy,
    Scenario,
    Shrinkage,
    Surge,
)
from wfm.errors import NotFound, RequestError
from wfm.frames import interval_index

BERLIN = ZoneInfo("Europe/Berlin")
BRAND = make_brand(queues=("x", "mail"), zone="Europe/Berlin")
# Six in the evening in Berlin.
SIX = datetime(2026, 3, 10, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)
SURGE = Surge(SIX, 120, ("x",), factor=4.0, rise_min=30)
SPIKE = Scenario("Viral at six", surges=(SURGE,))


def made_effect(queue: str = "", **changes: object) -> QueueEffect:
    calm, high = Peak(12.0, SIX - HOUR), Peak(83.4, SIX + 2.25 * HOUR)
    effect = QueueEffect(
        queue=queue,
        attainment_before=0.971,
        attainment_after=0.714,
        worst_hour_before=0.91,
        worst_hour_after=0.12,
        backlog_before=calm,
        backlog_after=high,
        age_s_before=replace(calm, value=840.0),
        age_s_after=replace(high, value=7500.0),
        breach_min_before=2.0,
        breach_min_after=140.0,
        late_before=10.2,
        late_after=320.6,
        recovered_at=SIX + 5.5 * HOUR,
    )
    return replace(effect, **changes)


def made_evaluation(*effects: QueueEffect, scenario: Scenario = SPIKE) -> Evaluation:
    """From 16:00 until midnight; the share falls to a half from 18:00 to 20:00, 8 wait then."""
    start, end = SIX - 2 * HOUR, SIX + 6 * HOUR
    index = interval_index(start, end)
    hurt = (index >= SIX) & (index < SIX + 2 * HOUR)
    told = effects or (made_effect(), made_effect("x"))
    table = pd.concat(
        [
            pd.DataFrame(
                {
                    "start": index,
                    "queue": pd.Series([one.queue] * len(index), dtype="str"),
                    "cases_before": 10.0,
                    "cases_after": np.where(hurt, 40.0, 10.0),
                    "attainment_before": 1.0,
                    "attainment_after": np.where(hurt, 0.5, 1.0),
                    "backlog_after": np.where(hurt, 8.0, 1.0),
                    "occupancy_after": np.nan,
                }
            )
            for one in told
        ],
        ignore_index=True,
    )
    return Evaluation(
        scenario=scenario,
        start=start,
        end=end,
        reached=("x",),
        table=table,
        effects=tuple(told),
        added_contacts=402.3,
        automatic=0.0,
        paid_hours=0.0,
        replications=50,
        seed=1,
        seconds=0.62,
    )


# -- scenarios -----------------------------------------------------------------------------------

EVERYTHING = Scenario(
    "Everything",
    surges=(SURGE, Surge(SIX, 45, added=300.0, half_life_min=90.0)),
    handling=(Handling(SIX, SIX + 2 * HOUR, 1.2, ("x", "mail")),),
    absences=(Absence(SIX, SIX + 8 * HOUR, 0.2, ("A001",)),),
    shrinkage=Shrinkage(unplanned=0.3),
    goals=(Goal("x", 0.8, 1800), Goal("mail", threshold_s=7200)),
    policies=(
        Policy(SIX, SIX + 2 * HOUR, ("x",), spike_mode=True, reserve=0.5),
        Policy(SIX, SIX + 2 * HOUR, automatic=0.3, put_off_min=120),
    ),
    extra=(Extra(SIX, SIX + HOUR, 1, ("x",)),),
    loans=(Loan(SIX, SIX + HOUR, ("A002", "A003"), ("x",)),),
    changes=(Change("A004", date(2026, 3, 10), (), ()),),
    known_from=SIX + HOUR / 4,
)


def test_every_part_of_a_scenario_is_a_line():
    assert list(whatifwords.scenario_lines(EVERYTHING, BERLIN)) == [
        "Tue 10 Mar 18:00, 2 h: 4 times the usual contacts on x, risen within 30 min, "
        "then halved every 1 h",
        "Tue 10 Mar 18:00, 45 min: 300 more contacts on all queues, then halved every 1 h 30 min",
        "Tue 10 Mar 18:00 to 20:00: handling takes 1.2 times as long on x, mail",
        "Tue 10 Mar 18:00 to Wed 02:00: away 20% of the people and A001",
        "all the time: unplanned shrinkage 30%",
        "all the time: x promises 80.0% within 30 min",
        "all the time: mail promises within 2 h",
        "Tue 10 Mar 18:00 to 20:00: spike mode (50% for the late) on x",
        "Tue 10 Mar 18:00 to 20:00: 30% answered automatically, replies put off by 2 h "
        "on all queues",
        "Tue 10 Mar 18:00 to 19:00: 1 person more on x",
        "Tue 10 Mar 18:00 to 19:00: A002, A003 on x too",
        "1 agent-day of the roster changed",
        "known from Tue 10 Mar 18:15 on",
    ]


def test_options_become_parts_that_hold_from_the_start_for_the_length():
    asked = Asked(
        queues=("x",),
        at="2026-03-10 18:00",
        length_min=60,
        added=300.0,
        half_life_min=90.0,
        handling=1.2,
        absent=0.2,
        away=("A001",),
        shrinkage=0.3,
        goal_share=0.8,
        automatic=0.1,
        spike_mode=True,
        reserve=0.5,
        put_off_min=30,
        extra=2,
        known_from="2026-03-10 18:15",
    )

    assert scenario_of(asked, BRAND) == Scenario(
        surges=(Surge(SIX, 60, ("x",), added=300.0, half_life_min=90.0),),
        handling=(Handling(SIX, SIX + HOUR, 1.2, ("x",)),),
        absences=(Absence(SIX, SIX + HOUR, 0.2, ("A001",)),),
        shrinkage=Shrinkage(unplanned=0.3),
        goals=(Goal("x", 0.8),),
        policies=(Policy(SIX, SIX + HOUR, ("x",), True, 0.5, 0.1, 30),),
        extra=(Extra(SIX, SIX + HOUR, 2, ("x",)),),
        known_from=SIX + HOUR / 4,
    )


def test_a_promise_without_queues_is_every_queues():
    scenario = scenario_of(Asked(goal_min=20.5), BRAND)

    assert scenario == Scenario(goals=(Goal("x", None, 1230), Goal("mail", None, 1230)))


def test_a_preset_is_joined_with_what_else_is_asked():
    wave = SurgeTemplate(30, 60, 4.0, 4.0, 8.0, 15, 60)
    preset = Preset("viral", "A post goes viral", (wave,), 1.0, 0, "")

    scenario = scenario_of(Asked(at="2026-03-10 18:00", extra=2), BRAND, preset)

    (surge,) = scenario.surges
    assert (surge.start, surge.factor, surge.cause) == (SIX + HOUR / 2, 4.0, "viral")
    assert scenario.extra == (Extra(SIX, SIX + 2 * HOUR, 2),)
    assert scenario.name == "A post goes viral"


def test_options_are_added_to_a_scenario_that_was_read():
    later = scenario_of(Asked(known_from="2026-03-10 19:00"), BRAND, onto=SPIKE)
    smaller = scenario_of(Asked(shrinkage=0.3), BRAND, onto=SPIKE)

    assert later == replace(SPIKE, known_from=SIX + HOUR)
    assert smaller == replace(SPIKE, shrinkage=Shrinkage(unplanned=0.3))
    assert scenario_of(Asked(), BRAND, onto=SPIKE) == SPIKE


# -- what they do --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {},
            "71.4% of first replies are in time instead of 97.1%; at worst 83 messages wait "
            "(20:15) and the longest wait is 2 h 5 min; on time again at 23:30.",
        ),
        (
            {"recovered_at": None},
            "71.4% of first replies are in time instead of 97.1%; at worst 83 messages wait "
            "(20:15) and the longest wait is 2 h 5 min; not on time again by Wed 11 Mar 00:00.",
        ),
        (
            {
                "attainment_after": 0.98,
                "backlog_after": Peak(9.0, SIX),
                "breach_min_after": 0.5,
                "recovered_at": SIX,
            },
            "98.0% of first replies are in time instead of 97.1%; at no time less on time than "
            "without it.",
        ),
        (
            {"attainment_after": 0.9712, "breach_min_after": 2.5, "recovered_at": SIX},
            "97.1% of first replies are in time, as without it: no promise suffers.",
        ),
    ],
)
def test_the_answer_is_one_sentence(changes: dict[str, object], sentence: str):
    assert whatiftold.answer(made_evaluation(made_effect(**changes)), BERLIN) == sentence


def test_an_evaluation_is_a_sentence_a_table_a_picture_and_what_it_rests_on(
    capsys: pytest.CaptureFixture[str],
):
    mail = made_effect("mail", worst_hour_before=None, worst_hour_after=None, recovered_at=SIX)
    found = replace(made_evaluation(made_effect(), made_effect("x"), mail), paid_hours=4.5)

    whatiftold.say_evaluation(found, BERLIN)

    assert capsys.readouterr().out.splitlines() == EVALUATION.splitlines()


EVALUATION = """\
71.4% of first replies are in time instead of 97.1%; at worst 83 messages wait (20:15) and the longest wait
  is 2 h 5 min; on time again at 23:30.
queue              in time      worst hour       most waiting         oldest waits       late  on time again
all queues  97.1% -> 71.4%  91.0% -> 12.0%  12 -> 83 at 20:15  14 min -> 2 h 5 min  10 -> 321          23:30
x           97.1% -> 71.4%  91.0% -> 12.0%  12 -> 83 at 20:15  14 min -> 2 h 5 min  10 -> 321          23:30
First replies in time, a quarter-hour a character (Europe/Berlin):
           16      18      20      22
all queues:
  without  ████████████████████████████████
  with     ████████▄▄▄▄▄▄▄▄████████████████
  waiting  ▁▁▁▁▁▁▁▁████████▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  at most 8
x:
  without  ████████████████████████████████
  with     ████████▄▄▄▄▄▄▄▄████████████████
  waiting  ▁▁▁▁▁▁▁▁████████▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁  at most 8
Not reached: mail. 402 contacts more. +4.5 paid hours. Simulated Tue 10 Mar 16:00 to Wed 00:00
  (Europe/Berlin) without and with it on the same 50 sampled days, seed 1, in 0.6 s.
"""  # noqa: E501


def test_as_json_an_evaluation_holds_what_was_found():
    found = made_evaluation()

    told = whatiftold.evaluation_document(found, BERLIN)

    assert told["answer"] == whatiftold.answer(found, BERLIN)
    assert (told["from"], told["to"]) == (found.start, found.end)
    assert told["scenario"]["surges"][0]["factor"] == 4.0
    assert told["effects"][0]["backlog_after"] == {"value": 83.4, "at": SIX + 2.25 * HOUR}
    assert told["table"][8]["start"] == "2026-03-10T17:00:00Z"
    assert told["table"][8]["attainment_after"] == 0.5
    assert told["table"][8]["occupancy_after"] is None


def test_scenarios_stand_beside_each_other(capsys: pytest.CaptureFixture[str]):
    later = Scenario("At nine", surges=(replace(SURGE, start=SIX + 3 * HOUR),))
    kept = [
        SavedScenario(number, 1, 0, one.name, "open", one, None, None, "ann", SIX)
        for number, one in ((3, SPIKE), (5, later))
    ]
    after_nine = made_effect(attainment_after=0.9, recovered_at=SIX + 7 * HOUR)
    evaluations = (
        made_evaluation(),
        replace(made_evaluation(after_nine, scenario=later), paid_hours=-2.0),
    )

    whatiftold.say_comparison(Comparison(tuple(kept), evaluations), BERLIN)

    assert capsys.readouterr().out.splitlines() == COMPARISON.splitlines()


COMPARISON = """\
scenario        in time  worst hour  most waiting  oldest waits  late  on time again  paid hours
without any       97.1%       91.0%            12        14 min    10              -           -
3 Viral at six    71.4%       12.0%            83     2 h 5 min   321          23:30           -
5 At nine         90.0%       12.0%            83     2 h 5 min   321      Wed 01:00        -2.0
First replies in time, a quarter-hour a character (Europe/Berlin):
           16      18      20      22
  without  ████████████████████████████████
  with 3   ████████▄▄▄▄▄▄▄▄████████████████
  with 5   ████████▄▄▄▄▄▄▄▄████████████████
"""


# -- repairs -------------------------------------------------------------------------------------


def made_repair(repair_id: str, title: str, *, hours: float = 0.0, people: int = 0) -> Repair:
    does = Scenario(extra=(Extra(SIX, SIX + HOUR, 1),))
    return Repair(repair_id, "overtime", title, f"why {title}", does, hours, people)


STAY = made_repair("overtime-60-4", "4 people stay 1 h longer", hours=4.0, people=4)
SPIKE_MODE = made_repair("policy-20", "Spike mode on x, 18:00 to 20:00")
IDLE = made_repair("breaks-1", "1 person takes a break at another time", people=1)


def made_repairs(**changes: object) -> Repairs:
    def ranked(repair: Repair, avoided: float, **more: object) -> Ranked:
        hour = avoided / repair.effort_h
        one = Ranked(repair, avoided, 8.2, hour, 0.94, 120.0, SIX + 3 * HOUR, False, 50)
        return replace(one, **more)

    return replace(
        Repairs(
            scenario=SPIKE,
            breach_min=140.0,
            breach_min_before=2.0,
            ranked=(
                ranked(SPIKE_MODE, 90.0),
                ranked(STAY, 130.0, restores=True, recovered_at=SIX),
                ranked(IDLE, -0.04, days=12),
            ),
            refused=(Refusal("call_in", "2 people are called in", "A007: 9 h of rest"),),
            together=Together(
                (SPIKE_MODE, STAY), 137.0, 1.5, 220.0, 4.9, 0.965, SIX + HOUR, restores=True
            ),
            replications=50,
            seconds=2.4,
        ),
        **changes,
    )


def test_repairs_are_ranked_with_why_and_the_set(capsys: pytest.CaptureFixture[str]):
    say_repairs(made_repairs(), BERLIN)

    assert capsys.readouterr().out.splitlines() == REPAIRS.splitlines()


REPAIRS = """\
3 repairs, simulated on 50 sampled days in 2.4 s; the best first, by minutes of broken promise avoided per
  hour of effort. With the scenario 140 min are broken, without it 2.0 min.
    repair               avoided  hours  to tell  per hour  fewer late  on time again  days  what
1.  policy-20       90 +-8.2 min   +0.0        0       360         120          21:00    50  Spike mode on x, 18:00 to 20:00
2.  overtime-60-4  130 +-8.2 min   +4.0        4        28         120              -    50  4 people stay 1 h longer (restores it)
1 more repair avoids nothing (--json tells)
  1. why Spike mode on x, 18:00 to 20:00
  2. why 4 people stay 1 h longer
This restores the promise: Spike mode on x, 18:00 to 20:00 (policy-20); 4 people stay 1 h longer
  (overtime-60-4). 137 +-1.5 min avoided (one by one 220) for 4.9 h of effort; on time again from 19:00 on.
  cannot be: 2 people are called in: A007: 9 h of rest
"""  # noqa: E501


def test_where_nothing_is_broken_nothing_is_repaired(capsys: pytest.CaptureFixture[str]):
    say_repairs(made_repairs(ranked=(), refused=(), together=None, breach_min=2.4), BERLIN)

    said = capsys.readouterr().out
    assert said == (
        "No promise is broken more than without the scenario: there is nothing to repair.\n"
    )


def test_where_nothing_can_be_done_it_is_said(capsys: pytest.CaptureFixture[str]):
    say_repairs(made_repairs(ranked=(), together=None), BERLIN)

    assert capsys.readouterr().out.splitlines() == [
        "138 min of promise are broken more, and no repair was found.",
        "  cannot be: 2 people are called in: A007: 9 h of rest",
    ]


def test_repairs_are_named_by_place_by_name_or_as_the_set():
    found = made_repairs()

    assert chosen(found, ["1"]) == (SPIKE_MODE,)
    assert chosen(found, ["breaks-1", "2", "2"]) == (IDLE, STAY)
    assert chosen(found, ["set", "1"]) == (SPIKE_MODE, STAY)
    with pytest.raises(NotFound, match=r"no repair '4'.*the best of them policy-20, overtime-60-4"):
        chosen(found, ["4"])
    with pytest.raises(RequestError, match="no set to apply"):
        chosen(made_repairs(together=None), ["set"])


def test_repairs_as_json_are_whole():
    told = repairs_document(made_repairs())

    assert told["ranked"][1]["repair_id"] == "overtime-60-4"
    assert told["ranked"][1]["effort_h"] == pytest.approx(4.0 + 0.4 + 0.25)
    assert told["ranked"][1]["does"]["extra"][0]["heads"] == 1
    assert told["together"]["repairs"][0]["repair_id"] == "policy-20"
    assert told["together"]["summed_min"] == 220.0
    assert told["refused"] == [
        {"kind": "call_in", "title": "2 people are called in", "reason": "A007: 9 h of rest"}
    ]


# -- curves --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "ruler"),
    [
        (3, "      18"),
        (12, "      18      20      22      Wed     02      04"),
        (24, "       20      Wed     04      08      12      16"),
        (60, " 18    Wed   06    12    18    Thu   06    12    18    Fri"),
        (28 * 24, "Wed Fri Sun Tue Thu Sat Mon Wed Fri Sun Tue Thu Sat Mon"),
    ],
)
def test_the_ruler_tells_local_hours(hours: int, ruler: str):
    minutes, every = curve_step(4 * hours)
    half_past_four = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)

    line = clock_ruler(half_past_four, 60 * hours // minutes, (minutes, every), BERLIN)

    assert line == ruler


def test_the_ruler_follows_the_clocks():
    evening = datetime(2026, 3, 28, 20, tzinfo=UTC)  # 21:00, and at 02:00 it is 03:00

    line = clock_ruler(evening, 32, (15, 2), BERLIN)

    assert line == "    22      Sun         04"


def test_a_share_counts_as_its_cases_do_and_a_wait_by_its_height():
    assert share_line([1.0, float("nan"), 0.0, 0.52], [2, 0, 5, 1], 1) == "█·▁▄"
    assert share_line([1.0, 0.0, float("nan"), float("nan")], [3, 1, 0, 0], 2) == "▆·"
    assert height_line([], 1) == ""
    assert height_line([0.0, 0.01, 8.0], 1) == " ▁█"


# -- how far it is -------------------------------------------------------------------------------


def test_of_stages_that_count_up_one_is_told_for_each_tenth(capsys: pytest.CaptureFixture[str]):
    with watched("What if") as progress:
        progress(0.0, "loading the roster")
        for day in range(1, 51):
            progress(0.5 + 0.2 * day / 50, f"simulating day {day} of 50")
        progress(1.0, "")

    assert capsys.readouterr().err.splitlines() == [
        "  0%  loading the roster",
        " 50%  simulating day 1 of 50",
        " 60%  simulating day 25 of 50",
        " 70%  simulating day 50 of 50",
    ]
