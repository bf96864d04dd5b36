"""The brand file's escalation ladder, and what a queue does when its promise is about to break."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast, get_args

from wfm.brands import Queue
from wfm.care import Care, Policy, PolicyAction, PolicyStep, Rung, RungAction
from wfm.ingest.faults import unknown
from wfm.ingest.tomltable import TomlTable

RUNG_ACTIONS: tuple[RungAction, ...] = get_args(RungAction)
STEP_ACTIONS: tuple[PolicyAction, ...] = get_args(PolicyAction)

DAYS_S = 31 * 86_400
SEVERITY_MAX = 100

# Keys that only some actions look at; with another one they would be written in vain.
_RUNG_KEYS = {"severity": ("severity",), "queue": ("queue",)}
_STEP_KEYS = {
    "acknowledge": ("text",),
    "put_off": ("queues", "put_off_s"),
    "call_out": ("agents",),
}


def named_queue(
    table: TomlTable, key: str, queues: tuple[Queue, ...], *, required: bool = True
) -> str:
    """The queue named under `key`, "" where none may be named; a fault for one there is not."""
    name = table.text(key) if required else table.text_if_any(key)
    _check_queue(table, key, name, queues)
    return name


def _check_queue(table: TomlTable, key: str, name: str, queues: tuple[Queue, ...]) -> None:
    known = [queue.name for queue in queues]
    if name and name not in known:
        table.fault(key, unknown("queue", name, known), name)


def _only(table: TomlTable, action: str, keys: Mapping[str, tuple[str, ...]]) -> None:
    """Tell of keys that another action than the table's looks at."""
    for other, names in keys.items():
        for name in names:
            table.asked.add(name)
            if name in table and name not in keys.get(action, ()):
                table.fault(name, f"only action = {other!r} takes it", table.raw(name))


def read_ladder(care: TomlTable, queues: tuple[Queue, ...]) -> tuple[Rung, ...]:
    """The rungs, from the most slack to the least; those of the default where none are written."""
    ladder: list[Rung] = []
    for table in care.tables("ladder"):
        slack_s = table.whole("slack_s", low=-DAYS_S, high=DAYS_S)
        action = cast(RungAction, table.choice("action", RUNG_ACTIONS))
        _only(table, action, _RUNG_KEYS)
        ladder.append(
            Rung(
                slack_s,
                action,
                table.whole("severity", low=1, high=SEVERITY_MAX) if action == "severity" else 0,
                named_queue(table, "queue", queues) if action == "queue" else "",
            )
        )
        if len(ladder) > 1 and slack_s > ladder[-2].slack_s:
            table.fault(
                "slack_s",
                f"a case climbs rung by rung; this one comes after that of {ladder[-2].slack_s} s, "
                "so write as much or less",
                slack_s,
            )
        table.done()
    return tuple(ladder) if "ladder" in care else Care().ladder


def read_policy(table: TomlTable, queues: tuple[Queue, ...]) -> Policy:
    """What a queue does when its promise is predicted to break; the default's steps if unsaid."""
    default = Policy()
    steps: list[PolicyStep] = []
    for step in table.tables("steps"):
        steps.append(_step(step, queues))
        if len(steps) > 1 and steps[-1].after_s < steps[-2].after_s:
            step.fault(
                "after_s",
                "steps are taken in the order they are written; this one would come before the "
                f"last, of {steps[-2].after_s} s: write as much or more",
                steps[-1].after_s,
            )
    policy = Policy(
        tuple(steps) if "steps" in table else default.steps,
        table.whole("horizon_s", default.horizon_s, low=900, high=14_400),
        table.whole("quiet_s", default.quiet_s, low=0, high=DAYS_S),
    )
    table.done()
    return policy


def _step(table: TomlTable, queues: tuple[Queue, ...]) -> PolicyStep:
    default = PolicyStep("acknowledge")
    action = cast(PolicyAction, table.choice("action", STEP_ACTIONS))
    _only(table, action, _STEP_KEYS)
    named = table.texts("queues", default.queues)
    for name in named:
        _check_queue(table, "queues", name, queues)
    step = PolicyStep(
        action=action,
        after_s=table.whole("after_s", default.after_s, high=DAYS_S),
        queues=named,
        put_off_s=table.whole("put_off_s", default.put_off_s, high=DAYS_S),
        text=table.text_if_any("text"),
        agents=table.texts("agents", default.agents),
    )
    table.done()
    return step
