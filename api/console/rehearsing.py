"""What the console asks about scenarios: evaluations, repairs, and those that are kept.

The one place where the page What-if reaches `api.planning`'s scenarios. Of what one page asks, only
its newest question is answered: an evaluation under way gives up when another comes.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from api.planning.whatif import presets, promoting, scenarios
from api.planning.whatif.saved import SavedScenario, superseding
from api.planning.whatif.scenarios import Comparison
from api.planning.whatif.situations import situation_for
from scheduling.whatif.evaluate import evaluate
from scheduling.whatif.results import Evaluation, Repair, Repairs
from scheduling.whatif.scenario import Scenario
from wfm.campaigns import Campaign
from wfm.errors import Cancelled, Conflict, InternalFault, NotFound, WfmError
from wfm.progress import Progress, silent
from wfm.store.documents import to_document
from wfm.store.engine import Store

log = logging.getLogger(__name__)

V = TypeVar("V")

KEPT_EVALUATIONS = 24
KEPT_SEARCHES = 8
KEPT_PAGES = 200
LISTED = 40


def key_of(scenario: Scenario, plan_id: int) -> str:
    """The same for scenarios that say the same of the plan, whatever their names."""
    return f"{plan_id} {json.dumps(to_document(replace(scenario, name='')), sort_keys=True)}"


@dataclass(frozen=True)
class Turn:
    """Which page asks, and its how manieth question it is."""

    page: str
    number: int


@dataclass
class Search:
    """A search for repairs: how far it is, then what it found or why it ended.

    done  0 to 1
    """

    scenario: Scenario
    done: float = 0.0
    stage: str = "starting"
    found: Repairs | None = None
    problem: WfmError | None = None
    stopped: bool = False

    @property
    def is_open(self) -> bool:
        return self.found is None and self.problem is None

    def repair(self, repair_id: str) -> Repair:
        """A repair that was found; NotFound without it."""
        ranked = self.found.ranked if self.found else ()
        for one in ranked:
            if one.repair.repair_id == repair_id:
                return one.repair
        raise NotFound(f"no repair {repair_id!r} is held any more; find the repairs again")


class Rehearsing:
    """Scenarios for one console, from any of its threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._newest: OrderedDict[str, int] = OrderedDict()
        self._known: OrderedDict[str, Evaluation] = OrderedDict()
        self._searches: OrderedDict[str, Search] = OrderedDict()

    # -- answers ----------------------------------------------------------------------------------

    def evaluate(
        self, scenario: Scenario, plan_id: int, turn: Turn | None = None
    ) -> Evaluation | None:
        """The plan in force without and with the scenario; None when the page asks something newer.

        Conflict when the plan is not in force any more; RequestError for what cannot be.
        """
        progress = silent if turn is None else self._while_newest(turn)
        key = key_of(scenario, plan_id)
        with self._lock:
            known = self._known.get(key)
        if known is not None:
            return replace(known, scenario=scenario)
        self._check_in_force(plan_id)
        try:
            found = evaluate(situation_for(self._store, plan_id), scenario, progress=progress)
        except Cancelled:
            return None
        with self._lock:
            _keep(self._known, key, found, KEPT_EVALUATIONS)
        return found

    def _while_newest(self, turn: Turn) -> Progress:
        """Progress that ends the work when the page has asked something newer."""
        with self._lock:
            newest = max(turn.number, self._newest.get(turn.page, turn.number))
            _keep(self._newest, turn.page, newest, KEPT_PAGES)

        def report(done: float, stage: str) -> None:
            if self._newest.get(turn.page, turn.number) > turn.number:
                raise Cancelled("something newer was asked")

        return report

    def _check_in_force(self, plan_id: int) -> None:
        with self._store.reading() as connection:
            newer = superseding(connection, plan_id)
        if newer is not None:
            raise Conflict(
                f"plan {plan_id} has been superseded: version {newer.version}, plan "
                f"{newer.plan_id}, is in force. Load the page again for a new scenario, or take "
                "a kept one over to it",
                superseded=plan_id,
                plan_id=newer.plan_id,
            )

    def is_superseded(self, plan_id: int) -> bool:
        """Whether another plan of its days has been published since."""
        with self._store.reading() as connection:
            return superseding(connection, plan_id) is not None

    def compared(self, ids: Sequence[int]) -> Comparison:
        """Two to four kept scenarios of one plan over the same hours."""
        return scenarios.compared(self._store, ids)

    def preset(self, cause: str, start: datetime, queues: tuple[str, ...]) -> tuple[Scenario, str]:
        """What the cause is like by what has been, from `start` on, and why it is so large.

        NotFound for an unknown cause.
        """
        for one in presets.presets(self._store, queue=queues[0]):
            if one.cause == cause:
                return presets.preset_scenario(one, start, queues), one.because
        raise NotFound(f"there is no preset {cause!r}")

    # -- repairs ----------------------------------------------------------------------------------

    def search(self, scenario: Scenario, plan_id: int, instead_of: str | None = None) -> str:
        """Begin to look for repairs, or go on where they are looked for; gives the search's name.

        instead_of  the search that nobody waits for any more: it is stopped

        Conflict when the plan is not in force any more.
        """
        self._check_in_force(plan_id)
        name = key_of(scenario, plan_id)
        with self._lock:
            left = self._searches.get(instead_of or "")
            if left is not None and instead_of != name and left.is_open:
                left.stopped = True
            held = self._searches.get(name)
            if held is not None and held.problem is None:
                return name
            search = Search(scenario)
            _keep(self._searches, name, search, KEPT_SEARCHES)
        work = threading.Thread(
            target=self._look, args=(search, plan_id), name="repairs", daemon=True
        )
        work.start()
        return name

    def searched(self, name: str) -> Search:
        """The search; NotFound when it is not held any more."""
        with self._lock:
            found = self._searches.get(name)
        if found is None:
            raise NotFound("these repairs are not held any more; find them again")
        return found

    def stop(self, name: str) -> None:
        self.searched(name).stopped = True

    def _look(self, search: Search, plan_id: int) -> None:
        def report(done: float, stage: str) -> None:
            search.done, search.stage = done, stage
            if search.stopped:
                raise Cancelled("stopped; nothing was changed")

        try:
            search.found = scenarios.repairs(
                self._store, search.scenario, which=str(plan_id), progress=report
            )
        except WfmError as error:
            search.problem = error
        except Exception:
            log.exception("a search for repairs failed")
            search.problem = InternalFault(
                "the search failed on our side; the service's log has the details"
            )

    # -- what is kept -----------------------------------------------------------------------------

    def listing(self) -> tuple[SavedScenario, ...]:
        """Scenarios that are kept, the newest first; archived ones are not among them."""
        found = scenarios.listing(self._store, limit=LISTED)
        return tuple(one for one in found if one.state != "archived")

    def load(self, scenario_id: int) -> SavedScenario:
        return scenarios.load(self._store, scenario_id)

    def save(self, scenario: Scenario, plan_id: int, actor: str) -> SavedScenario:
        """Keep it as a new one."""
        return scenarios.save(self._store, scenario, actor=actor, plan_id=plan_id)

    def change(
        self, scenario_id: int, scenario: Scenario, revision: int, actor: str
    ) -> SavedScenario:
        return scenarios.change(self._store, scenario_id, scenario, actor=actor, revision=revision)

    def archive(self, scenario_id: int, revision: int, actor: str) -> SavedScenario:
        return scenarios.archive(self._store, scenario_id, actor=actor, revision=revision)

    def rebase(self, scenario_id: int, revision: int, actor: str) -> SavedScenario:
        """The kept scenario on the plan that is in force."""
        return scenarios.rebase(self._store, scenario_id, actor=actor, revision=revision)

    def to_draft(self, scenario_id: int, revision: int, actor: str) -> int:
        """Its changes of the roster as a draft of its plan; gives the draft's id."""
        _, draft_id = promoting.promote_to_draft(
            self._store, scenario_id, actor=actor, revision=revision
        )
        return int(draft_id)

    def to_campaign(self, scenario_id: int, revision: int, actor: str) -> Campaign:
        """Its surges as a campaign of the forecast."""
        _, campaign = promoting.promote_to_campaign(
            self._store, scenario_id, actor=actor, revision=revision
        )
        return campaign


def _keep(held: OrderedDict[str, V], key: str, value: V, most: int) -> None:
    held[key] = value
    held.move_to_end(key)
    while len(held) > most:
        held.popitem(last=False)
