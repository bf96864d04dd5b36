"""What the first what-if would have to wait for, done before anybody asks."""

from __future__ import annotations

from datetime import datetime, timedelta

from api.planning.whatif.presets import presets
from api.planning.whatif.situations import situation_for
from scheduling.whatif.evaluate import evaluate
from scheduling.whatif.scenario import Scenario, Surge
from scheduling.whatif.situation import Situation
from wfm.progress import Progress, part, silent
from wfm.store.engine import Store
from wfm.timegrid import local_day, local_midnight

# What people ask first: this evening, all queues, three times the usual for two hours.
EVENING = timedelta(hours=18)
LENGTH = timedelta(hours=2)
FACTOR = 3.0


def warm(store: Store, progress: Progress = silent) -> None:
    """Load the roster in force, compile what simulates it, and answer one what-if.

    From then on the roster, its sampled days and the coming evening's baseline are at hand, and
    the presets are learned. Raises NotFound where no roster is in force, Cancelled from `progress`.
    """
    progress(0.0, "reading the roster")
    situation = situation_for(store)
    progress(0.3, "simulating")
    evaluate(
        situation,
        first_question(situation, store.clock.now()),
        progress=part(progress, 0.3, 0.9),
    )
    progress(0.9, "learning from past spikes")
    presets(store)
    progress(1.0, "ready")


def first_question(situation: Situation, now: datetime) -> Scenario:
    """A spike in the evening of today, or of the roster's day that is nearest to it."""
    zone = situation.brand.tz
    last = situation.end - timedelta(days=1)
    day = local_day(min(max(now, situation.start), last), zone)
    start = min(local_midnight(day, zone) + EVENING, situation.end - LENGTH)
    minutes = round(LENGTH / timedelta(minutes=1))
    return Scenario(surges=(Surge(max(start, situation.start), minutes, factor=FACTOR),))
