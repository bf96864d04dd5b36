"""What the page Forecast looks at: its choices, and what they mean. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from api.console import layout, steps, words
from api.console.charts.forecast import Window
from api.console.views import VersionView
from forecasting.scoring.accuracy import Step
from wfm.brands import Brand
from wfm.timegrid import floor_interval, local_day, local_midnight

CHANNEL = "channel:"
NEWEST = "newest"
AHEAD = {"2": "2 days", "7": "1 week", "14": "2 weeks", "28": "4 weeks"}
BEFORE = {"7": "1 week", "14": "2 weeks", "28": "4 weeks"}


def options(choices: Mapping[Any, str]) -> list[dict[str, str]]:
    return [{"label": label, "value": value} for value, label in choices.items()]


def first(brand: Brand) -> str:
    """What is shown first: all queues, or the only one."""
    return layout.ALL_QUEUES if len(brand.queues) > 1 else brand.queues[0].name


def queue_options(brand: Brand) -> list[dict[str, str]]:
    """All queues, each channel that has several, then each queue."""
    channels = [q.channel for q in brand.queues]
    shared = [c for c in dict.fromkeys(channels) if channels.count(c) > 1]
    single = [{"label": text, "value": name} for name, text in layout.queue_labels(brand).items()]
    if len(single) == 1:
        return single
    return [
        {"label": "All queues", "value": layout.ALL_QUEUES},
        *({"label": f"All of {words.CHANNELS.get(c, c)}", "value": CHANNEL + c} for c in shared),
        *single,
    ]


def queues_of(brand: Brand, choice: str) -> tuple[str, ...]:
    """Names of the queues that are meant; all where the choice is none of the brand's."""
    if choice.startswith(CHANNEL):
        meant = [q.name for q in brand.queues if q.channel == choice.removeprefix(CHANNEL)]
    else:
        meant = [q.name for q in brand.queues if q.name == choice]
    return tuple(meant or (q.name for q in brand.queues))


def version_label(version: VersionView, zone: ZoneInfo) -> str:
    """When it was made, and for which plan or from which day on."""
    day = local_day(version.start, zone)
    what = f"from {day.day} {day:%b}" if version.plan_id is None else f"plan {version.plan_id}"
    late = ", afterwards" if version.afterwards else ""
    return f"{words.moment(version.made_at, zone)}, {what}{late}"


def version_options(versions: Sequence[VersionView], zone: ZoneInfo) -> list[dict[str, str]]:
    """The newest by that name, then every version by when and for what it was made."""
    return [
        {"label": "Newest", "value": NEWEST},
        *({"label": version_label(v, zone), "value": str(v.forecast_id)} for v in versions),
    ]


def version_of(
    versions: Sequence[VersionView], choice: str, queues: Sequence[str]
) -> tuple[VersionView, tuple[str, ...]]:
    """The chosen version, else the newest that holds most of the queues; and which it holds."""
    chosen = [v for v in versions if str(v.forecast_id) == choice and set(queues) & set(v.queues)]
    version = chosen[0] if chosen else max(versions, key=lambda v: len(set(queues) & set(v.queues)))
    return version, tuple(q for q in queues if q in version.queues)


# -- what is looked at ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """Which queues of which version, by which step, over which stretch.

    begins, ends  local midnights; anchor, between them, is where what lies ahead begins
    until         history is known up to here; the start of a step
    """

    queues: tuple[str, ...]
    version: VersionView
    step: Step
    begins: datetime
    anchor: datetime
    ends: datetime
    until: datetime
    zone: ZoneInfo

    @property
    def window(self) -> Window:
        return Window(self.begins, self.ends, self.step, self.zone)


def look_at(
    brand: Brand, versions: Sequence[VersionView], now: datetime, choices: Mapping[str, str]
) -> Look:
    """What the choices mean: from today on for a version in force, else from its first day."""
    zone, wanted = brand.tz, queues_of(brand, choices["queue"])
    version, queues = version_of(versions, choices["version"], wanted)
    over = version.end <= now
    day = local_day(version.start if over else max(now, version.start), zone)
    ahead = int(choices["ahead"]) if choices["ahead"] in AHEAD else 7
    before = int(choices["before"]) if choices["before"] in BEFORE else 14
    step = steps.step_of(choices["step"])
    ends = local_midnight(day + timedelta(days=ahead), zone)
    return Look(
        queues=queues,
        version=version,
        step=step,
        begins=local_midnight(day - timedelta(days=before), zone),
        anchor=local_midnight(day, zone),
        ends=ends,
        until=steps.step_start(min(floor_interval(now), ends), step, zone),
        zone=zone,
    )
