"""How `wfm whatif try` reads what is supposed to happen: its options as a scenario."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.shell import parse_moment
from wfm.errors import RequestError, SetupError

if TYPE_CHECKING:
    from api.planning.whatif.presets import Preset
    from scheduling.whatif.scenario import Scenario
    from wfm.brands import Brand
    from wfm.store.engine import Store

EXAMPLE = "wfm whatif try --queue x --at '2026-03-10 18:00' --factor 4 --length 120"
WEEK_MIN = 7 * 24 * 60


@dataclass(frozen=True)
class Asked:
    """What was put on the command line; None where it was left out.

    All of it holds from `at` for `length_min`, on `queues`, or on all where none is named.
    """

    queues: tuple[str, ...] = ()
    at: str | None = None
    length_min: int | None = None
    factor: float | None = None
    added: float | None = None
    rise_min: float | None = None
    half_life_min: float | None = None
    handling: float | None = None
    absent: float | None = None
    away: tuple[str, ...] = ()
    shrinkage: float | None = None
    goal_share: float | None = None
    goal_min: float | None = None
    automatic: float | None = None
    spike_mode: bool = False
    reserve: float | None = None
    put_off_min: int | None = None
    extra: int | None = None
    known_from: str | None = None

    @property
    def surges(self) -> bool:
        """Whether other contacts than usual come."""
        return self.factor is not None or self.added is not None

    @property
    def lasting(self) -> bool:
        """Whether it holds something else that has a span."""
        given = (self.handling, self.absent, self.automatic, self.put_off_min, self.extra)
        return any(value is not None for value in given) or bool(self.away) or self.spike_mode

    @property
    def on_queues(self) -> bool:
        """Whether it holds anything that is of some queues."""
        of_queues = (self.handling, self.automatic, self.put_off_min, self.extra)
        promised = (self.goal_share, self.goal_min)
        given = any(value is not None for value in (*of_queues, *promised))
        return given or self.surges or self.spike_mode

    @property
    def says_something(self) -> bool:
        """Whether it holds anything at all."""
        return self.surges or self.lasting or self.standing

    @property
    def standing(self) -> bool:
        """Whether it holds something that has no span."""
        return any(v is not None for v in (self.shrinkage, self.goal_share, self.goal_min))


def scenario_of(
    asked: Asked, brand: Brand, preset: Preset | None = None, onto: Scenario | None = None
) -> Scenario:
    """The scenario of the options; RequestError where they do not go together or say nothing.

    preset, onto  what they are added to: a usual cause, a scenario that was read

    Ranges, queues and the roster's span are not checked here, see `check_scenario`.
    """
    from scheduling.whatif.scenario import MAX_LENGTH_MIN, Scenario, joined

    if not (asked.says_something or preset or onto):
        raise RequestError(f"nothing is otherwise than planned; say what, as in: {EXAMPLE}")
    _refuse_loose(asked, preset)
    made = joined(onto or Scenario(), _standing(asked, brand))
    if asked.known_from is not None:
        made = replace(made, known_from=parse_moment(asked.known_from, brand.tz))
    if not (asked.surges or asked.lasting or preset):
        return made
    if asked.at is None:
        raise RequestError(f"say when it begins: --at, a local time, as in: {EXAMPLE}")
    start = parse_moment(asked.at, brand.tz)
    length = 120 if asked.length_min is None else asked.length_min
    if not 1 <= length <= MAX_LENGTH_MIN:
        raise RequestError(f"--length is {length}; it lies between 1 and {MAX_LENGTH_MIN:,} min")
    made = joined(made, _spanned(asked, start, start + timedelta(minutes=length)))
    if preset is None:
        return made
    from api.planning.whatif.presets import preset_scenario

    pushed = preset_scenario(preset, start, asked.queues)
    return replace(joined(made, pushed), name=made.name or pushed.name)


def read_scenario(store: Store, file: Path, which: str) -> Scenario:
    """The scenario in a JSON file; its `edits` are made to the roster that `which` names.

    The file holds a scenario as `POST /api/v1/scenarios` takes it, or what `wfm whatif show --json`
    prints. SetupError for a file that cannot be read, RequestError naming every fault of what is
    in it.
    """
    from pydantic import ValidationError

    from api.planning.drafts import rostered
    from api.planning.whatif.fitting import with_edits
    from api.routes.scenariowire import ScenarioOrder

    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError(f"{file} cannot be read ({error.strerror}); name another file") from error
    except ValueError as error:
        raise RequestError(f"{file} is no JSON: {error}") from error
    if isinstance(document, dict) and isinstance(document.get("scenario"), dict):
        document = document["scenario"]
    try:
        order = ScenarioOrder.model_validate(document)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in error.errors()]
        raise RequestError(f"{file} holds no scenario: {'; '.join(faults)}") from error
    wanted = order.wanted
    return with_edits(order.scenario, wanted, rostered(store, which)) if wanted else order.scenario


def _refuse_loose(asked: Asked, preset: Preset | None) -> None:
    """RequestError for an option that would do nothing: what it shapes is not there."""
    shape = _given({"--rise": asked.rise_min, "--half-life": asked.half_life_min})
    if preset is not None:
        shape += _given({"--factor": asked.factor, "--added": asked.added})
        if shape:
            raise RequestError(f"--preset has a shape of its own; leave {', '.join(shape)} out")
    if shape and not asked.surges:
        raise RequestError(f"{', '.join(shape)}: of what? Say --factor or --added too")
    spanned = asked.surges or asked.lasting
    if asked.length_min is not None and not spanned:
        raise RequestError("--length: of what? A preset has a length of its own; leave it out")
    if asked.at is not None and not (spanned or preset):
        raise RequestError("--at: of what? Say what begins then, or leave it out")
    if asked.queues and not (asked.on_queues or preset):
        raise RequestError(
            "--queue: of what? Absence and shrinkage are of people, on all their queues"
        )
    if asked.reserve is not None and not asked.spike_mode:
        raise RequestError("--reserve goes with --spike-mode")


def _given(options: Mapping[str, object]) -> list[str]:
    """Names of those that are not left out."""
    return [name for name, value in options.items() if value is not None]


def _standing(asked: Asked, brand: Brand) -> Scenario:
    """The parts without a span."""
    from scheduling.whatif.scenario import Goal, Scenario, Shrinkage

    shrinkage = None if asked.shrinkage is None else Shrinkage(unplanned=asked.shrinkage)
    if asked.goal_share is None and asked.goal_min is None:
        return Scenario(shrinkage=shrinkage)
    within = asked.goal_min
    if within is not None and not 0 < within <= WEEK_MIN:
        raise RequestError(f"--goal-within is {within:g}; it lies between 0 and {WEEK_MIN:,} min")
    threshold_s = None if within is None else round(60 * within)
    names = asked.queues or tuple(queue.name for queue in brand.queues)
    goals = tuple(Goal(name, asked.goal_share, threshold_s) for name in names)
    return Scenario(shrinkage=shrinkage, goals=goals)


def _spanned(asked: Asked, start: datetime, end: datetime) -> Scenario:
    """The parts that hold from `start` to `end`."""
    from scheduling.whatif.scenario import Absence, Extra, Handling, Policy, Scenario, Surge

    queues = asked.queues
    found = Scenario()
    if asked.surges:
        surge = Surge(
            start,
            round((end - start) / timedelta(minutes=1)),
            queues,
            factor=1.0 if asked.factor is None else asked.factor,
            added=asked.added or 0.0,
            rise_min=asked.rise_min or 0.0,
            half_life_min=60.0 if asked.half_life_min is None else asked.half_life_min,
        )
        found = replace(found, surges=(surge,))
    if asked.handling is not None:
        found = replace(found, handling=(Handling(start, end, asked.handling, queues),))
    if asked.absent is not None or asked.away:
        found = replace(found, absences=(Absence(start, end, asked.absent or 0.0, asked.away),))
    if asked.extra is not None:
        found = replace(found, extra=(Extra(start, end, asked.extra, queues),))
    if asked.spike_mode or asked.automatic is not None or asked.put_off_min is not None:
        policy = Policy(
            start,
            end,
            queues,
            spike_mode=True if asked.spike_mode else None,
            automatic=asked.automatic or 0.0,
            put_off_min=asked.put_off_min or 0,
        )
        if asked.reserve is not None:
            policy = replace(policy, reserve=asked.reserve)
        found = replace(found, policies=(policy,))
    return found
