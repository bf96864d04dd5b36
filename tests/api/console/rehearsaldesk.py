"""Scenarios of the console's tests: what comes of them and what repairs them, from formulas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from api.console.rehearsing import Search, Turn
from api.planning.whatif.saved import SavedScenario
from api.planning.whatif.scenarios import Comparison
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
from scheduling.whatif.scenario import Extra, Handling, Policy, Scenario, Surge
from wfm.campaigns import Campaign
from wfm.errors import LostEdit, NotFound, WfmError
from wfm.frames import interval_index

NAMES = ("x", "facebook", "instagram")


def make_evaluation(
    scenario: Scenario, reached: tuple[str, ...] = ("x", "instagram")
) -> Evaluation:
    """Seven tenths are lost at the worst, two hours after it begins; halved by a policy."""
    begins = min(start for start, _ in scenario.spans)
    start = begins - timedelta(hours=10)
    index = interval_index(start, start + timedelta(hours=24))
    hit = np.exp(-((np.arange(len(index)) - 48) ** 2) / 60) * (0.5 if scenario.policies else 1)
    tables = []
    for queue in ("", *NAMES):
        table = {"start": index, "queue": pd.Series([queue] * len(index), dtype="str")}
        for when, lost in (("before", 0 * hit), ("after", hit)):
            share, waiting = 0.94 - 0.7 * lost, 3 + 140 * lost
            table |= {
                f"cases_{when}": 10.0 + 0 * hit,
                f"attainment_{when}": share,
                f"attainment_{when}_low": (share - 0.1).clip(0, 1),
                f"attainment_{when}_high": (share + 0.05).clip(0, 1),
                f"backlog_{when}": waiting,
                f"backlog_{when}_low": waiting * 0.5,
                f"backlog_{when}_high": waiting * 1.5,
                f"age_s_{when}": 60 + 7200 * lost,
                f"occupancy_{when}": 0.8 + 0.3 * lost if not queue else np.nan + hit,
            }
        tables.append(pd.DataFrame(table))
    worst = float(hit.max())
    at = begins + timedelta(hours=2)
    effects = tuple(
        QueueEffect(
            queue=queue,
            attainment_before=0.94,
            attainment_after=0.94 - 0.16 * worst,
            worst_hour_before=None if queue == "facebook" else 0.9,
            worst_hour_after=0.24,
            backlog_before=Peak(6.0, begins),
            backlog_after=Peak(3 + 140 * worst, at),
            age_s_before=Peak(60.0, begins),
            age_s_after=Peak(60 + 7200 * worst, at),
            breach_min_before=0.0,
            breach_min_after=240 * worst,
            late_before=3.4,
            late_after=3.4 + 90 * worst,
            recovered_at=None if queue == "instagram" else begins + timedelta(hours=5),
        )
        for queue in ("", *NAMES)
    )
    return Evaluation(
        scenario=scenario,
        start=start,
        end=start + timedelta(hours=24),
        reached=reached,
        table=pd.concat(tables, ignore_index=True),
        effects=effects,
        added_contacts=812.0,
        automatic=0.0,
        paid_hours=0.0,
        replications=50,
        seed=1,
        seconds=0.62,
    )


def make_repairs(scenario: Scenario) -> Repairs:
    """Spike mode, which restores the promise, and two people more, who do not."""
    begins = min(start for start, _ in scenario.spans)
    end = begins + timedelta(hours=6)
    repairs = (
        Repair(
            "policy-20",
            "policy",
            "Spike mode on X until 00:00",
            "those who can still be saved come first",
            Scenario(policies=(Policy(begins, end, ("x",), spike_mode=True),)),
            0.0,
            0,
        ),
        Repair(
            "overtime-60-2",
            "overtime",
            "2 people stay 1 h longer",
            "they cover most of it",
            Scenario(extra=(Extra(begins, end, 2, ("x",)),)),
            2.0,
            2,
        ),
    )
    ranked = tuple(
        Ranked(
            repair=repair,
            avoided_min=avoided,
            avoided_se=4.0,
            per_hour=avoided / repair.effort_h,
            attainment=0.9,
            late_avoided=40.0,
            recovered_at=begins + timedelta(hours=3),
            restores=n == 0,
            days=50 if n == 0 else 12,
        )
        for n, (repair, avoided) in enumerate(zip(repairs, (210.0, 60.0), strict=True))
    )
    return Repairs(
        scenario=scenario,
        breach_min=240.0,
        breach_min_before=0.0,
        ranked=ranked,
        refused=(Refusal("loan", "5 people of Facebook help", "nobody has room"),),
        together=Together(
            repairs=repairs,
            avoided_min=225.0,
            avoided_se=4.0,
            summed_min=270.0,
            effort_h=2.7,
            attainment=0.91,
            recovered_at=begins + timedelta(hours=2),
            restores=True,
        ),
        replications=50,
        seconds=1.9,
    )


def make_saved(scenario_id: int, scenario: Scenario, **changes: Any) -> SavedScenario:
    saved = SavedScenario(
        scenario_id=scenario_id,
        plan_id=3,
        revision=1,
        name=scenario.name,
        state="open",
        scenario=scenario,
        draft_id=None,
        campaign=None,
        actor="console:ann",
        written_at=datetime(2026, 3, 2, 7, 15, tzinfo=UTC),
    )
    return replace(saved, **changes)


@dataclass
class FakeRehearsing:
    """What the console asks about scenarios, from formulas; what was asked and done is kept."""

    in_force: int = 3
    error: WfmError | None = None
    asked: list[tuple[Scenario, Turn | None]] = field(default_factory=list)
    searches: dict[str, Search] = field(default_factory=dict)
    kept: dict[int, SavedScenario] = field(default_factory=dict)
    done: list[tuple[str, str]] = field(default_factory=list)

    def evaluate(
        self, scenario: Scenario, plan_id: int, turn: Turn | None = None
    ) -> Evaluation | None:
        if self.error is not None:
            raise self.error
        self.asked.append((scenario, turn))
        return make_evaluation(scenario)

    def is_superseded(self, plan_id: int) -> bool:
        return plan_id != self.in_force

    def compared(self, ids: Sequence[int]) -> Comparison:
        saved = tuple(self.load(one) for one in ids)
        return Comparison(saved, tuple(make_evaluation(one.scenario) for one in saved))

    def preset(self, cause: str, start: datetime, queues: tuple[str, ...]) -> tuple[Scenario, str]:
        """An outage: first nothing comes, then twice as much, which takes longer."""
        later = start + timedelta(minutes=60)
        surges = (
            Surge(start, 60, queues, factor=0.1, half_life_min=1, cause=cause),
            Surge(later, 30, queues, factor=2.0, half_life_min=30, cause=cause),
        )
        handling = Handling(start, later + timedelta(minutes=90), 1.2, queues)
        return Scenario(surges=surges, handling=(handling,)), "Learned from 2 past outages."

    def search(self, scenario: Scenario, plan_id: int, instead_of: str | None = None) -> str:
        self.searches["s"] = Search(scenario, found=make_repairs(scenario))
        return "s"

    def searched(self, name: str) -> Search:
        if name not in self.searches:
            raise NotFound("these repairs are not held any more; find them again")
        return self.searches[name]

    def listing(self) -> tuple[SavedScenario, ...]:
        return tuple(reversed(self.kept.values()))

    def load(self, scenario_id: int) -> SavedScenario:
        if scenario_id not in self.kept:
            raise NotFound(f"there is no scenario {scenario_id}")
        return self.kept[scenario_id]

    def save(self, scenario: Scenario, plan_id: int, actor: str) -> SavedScenario:
        self.done.append(("save", actor))
        number = len(self.kept) + 1
        self.kept[number] = make_saved(number, scenario, plan_id=plan_id)
        return self.kept[number]

    def change(
        self, scenario_id: int, scenario: Scenario, revision: int, actor: str
    ) -> SavedScenario:
        self.done.append(("change", actor))
        return self._moved(scenario_id, revision, scenario=scenario, revision=revision + 1)

    def archive(self, scenario_id: int, revision: int, actor: str) -> SavedScenario:
        self.done.append(("archive", actor))
        return self._moved(scenario_id, revision, state="archived")

    def rebase(self, scenario_id: int, revision: int, actor: str) -> SavedScenario:
        self.done.append(("rebase", actor))
        return self._moved(scenario_id, revision, plan_id=self.in_force, revision=revision + 1)

    def to_draft(self, scenario_id: int, revision: int, actor: str) -> int:
        self.done.append(("draft", actor))
        self._moved(scenario_id, revision, state="promoted", draft_id=5)
        return 5

    def to_campaign(self, scenario_id: int, revision: int, actor: str) -> Campaign:
        self.done.append(("campaign", actor))
        saved = self._moved(scenario_id, revision, state="promoted", campaign="Evening")
        surge = saved.scenario.surges[0]
        return Campaign("Evening", surge.start, surge.end, surge.queues)

    def _moved(self, scenario_id: int, held: int, **changes: Any) -> SavedScenario:
        saved = self.load(scenario_id)
        if saved.revision != held:
            raise LostEdit(f"scenario {scenario_id} has been changed meanwhile")
        self.kept[scenario_id] = replace(saved, **changes)
        return self.kept[scenario_id]
