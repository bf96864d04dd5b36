"""What a rostered desk can bear, as demand: its curve, its forecast and its requirement."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, minimum_filter1d
from scipy.stats import norm

from benchmarks.whatifrota import DAYS, END, PER_DAY, START
from wfm.brands import Brand, Channel
from wfm.calendars import open_share
from wfm.frames import (
    ATTAINMENTS,
    FORECAST,
    NEEDS,
    QUANTILE_COLUMNS,
    QUANTILES,
    REQUIREMENT,
    interval_index,
)
from wfm.timegrid import INTERVAL_S

Floats = NDArray[np.float64]

VOLUME: dict[Channel, float] = {
    "x": 1.0, "facebook": 0.8, "email": 0.5, "instagram": 0.6, "linkedin": 0.3
}  # fmt: skip
# Day and night: a bump at noon, a peak in the evening; the weekend is quieter.
NIGHT, NOON, EVENING = 0.2, (12.5, 3.5, 0.75), (19.5, 2.6, 1.0)
WEEKEND = 0.65
# Heads that a load wants beside itself, in its roots, and how busy large teams are at most. It
# counts on the fewest heads of three quarters of an hour, and an hour takes its corners off.
BETA, BUSIEST = 0.4, 0.86
FEWEST_OF, ROUNDED_H = 3, 1.0
# Of a queue's contacts, as many come an hour while it is shut as at its usual.
WHILE_SHUT = 0.1
# Coefficients of variation: days of all queues together, of each, and quarters of an hour.
ALL_DAYS, OWN_DAYS, INTERVALS = 0.05, 0.05, 0.10
# Of the heads that are there, what the plan asked for.
ASKED = 0.95


def curve() -> Floats:
    """What heads are to be in proportion to, over the 28 days."""
    hour = (np.arange(DAYS * PER_DAY) % PER_DAY + 0.5) * 24 / PER_DAY
    level = np.full(hour.shape, NIGHT)
    for at, width, height in (NOON, EVENING):
        apart = (hour - at + 12.0) % 24.0 - 12.0
        level += height * np.exp(-0.5 * (apart / width) ** 2)
    weekend = np.arange(len(hour)) // PER_DAY % 7 >= 5
    return np.asarray(level * np.where(weekend, WEEKEND, 1.0))


def demand_of(
    on_queue: pd.DataFrame, brand: Brand, skills: dict[str, tuple[str, ...]]
) -> tuple[Floats, Floats, Floats]:
    """Contacts expected, heads needed before shrinkage and load: (intervals, queues) each.

    An agent's time goes to their queues by the volume of these; every language bears what all of
    its heads together do.
    """
    names = [q.name for q in brand.queues]
    doors = np.array([open_share(q.window, START, END) for q in brand.queues]).T
    weight = np.array([VOLUME[q.channel] for q in brand.queues]) * (doors + 1e-6)
    edges: dict[tuple[str, ...], Floats] = {}
    first, last = (
        np.clip((on_queue[c] - pd.Timestamp(START)).dt.total_seconds() // INTERVAL_S, 0, len(doors))
        for c in ("start", "end")
    )
    spans = zip(on_queue["agent_id"], first.astype(int), last.astype(int), strict=True)
    for agent_id, a, b in spans:
        steps = edges.setdefault(skills[agent_id], np.zeros(len(doors) + 1))
        steps[a] += 1.0
        steps[b] -= 1.0
    heads = np.zeros(doors.shape)
    for served, steps in edges.items():
        of = [names.index(name) for name in served]
        share = weight[:, of] / weight[:, of].sum(axis=1, keepdims=True)
        heads[:, of] += steps.cumsum()[:-1, None] * share
    heads *= brand.planning.availability
    fewest = gaussian_filter1d(minimum_filter1d(heads, FEWEST_OF, axis=0), ROUNDED_H * 4, axis=0)
    heads = gaussian_filter1d(heads, ROUNDED_H * 4, axis=0)
    contacts, load = np.zeros(doors.shape), np.zeros(doors.shape)
    for language in dict.fromkeys(q.language for q in brand.queues):
        of = [n for n, q in enumerate(brand.queues) if q.language == language]
        sure, usual = (of_all[:, of].sum(axis=1, keepdims=True) for of_all in (fewest, heads))
        bears = np.minimum((np.sqrt(sure + BETA**2 / 4) - BETA / 2) ** 2, BUSIEST * usual)
        load[:, of] = bears * heads[:, of] / np.maximum(usual, 1e-9)
    for n, queue in enumerate(brand.queues):
        borne = load[:, n] * INTERVAL_S / queue.work.aht_s
        opened = doors[:, n] > 0
        contacts[:, n] = np.where(opened, borne, WHILE_SHUT * borne[opened].mean())
    return contacts, ASKED * heads, load


def requirement_of(brand: Brand, need: Floats, load: Floats) -> pd.DataFrame:
    """REQUIREMENT of heads needed and load, (intervals, queues) each."""
    parts = []
    for n, queue in enumerate(brand.queues):
        first = queue.work.first_touch.mean_s / queue.work.aht_s
        parts.append(
            pd.DataFrame(
                {
                    "start": interval_index(START, END),
                    "queue": queue.name,
                    "workload": load[:, n],
                    "first_workload": first * load[:, n],
                    "factor": 1.0,
                    **dict.fromkeys(NEEDS, need[:, n]),
                    "agents": np.ceil(need[:, n]).astype(np.int64),
                    "agents_exact": need[:, n],
                    **dict.fromkeys(ATTAINMENTS, 0.95),
                    "binding": "first",
                }
            )
        )
    return REQUIREMENT.check(pd.concat(parts, ignore_index=True).astype({"queue": "str"}))


def forecast_of(brand: Brand, mean: Floats) -> pd.DataFrame:
    """FORECAST around the contacts expected, (intervals, queues)."""
    spread = np.sqrt(mean + mean**2 * (ALL_DAYS**2 + OWN_DAYS**2 + INTERVALS**2))
    around = {
        name: np.maximum(mean + norm.ppf(level) * spread, 0.0)
        for name, level in zip(QUANTILE_COLUMNS, QUANTILES, strict=True)
    }
    parts = [
        pd.DataFrame(
            {
                "start": interval_index(START, END),
                "queue": queue.name,
                "mean": mean[:, n],
                **{name: values[:, n] for name, values in around.items()},
                "aht_s": queue.work.aht_s,
                "model": "known",
            }
        )
        for n, queue in enumerate(brand.queues)
    ]
    return FORECAST.check(pd.concat(parts, ignore_index=True).astype({"queue": "str"}))


def days_around(mean: Floats, count: int, seed: int) -> NDArray[np.int64]:
    """Sampled counts around (intervals, queues) expected, shape (count, intervals, queues)."""
    rng = np.random.default_rng([seed, 31])
    shape = (count, DAYS, mean.shape[1])
    busy = _factors(rng, ALL_DAYS, shape[:2])[:, :, None] * _factors(rng, OWN_DAYS, shape)
    contacts = np.empty((count, *mean.shape), dtype=np.int64)
    for r in range(count):
        days = np.repeat(busy[r], PER_DAY, axis=0)
        contacts[r] = rng.poisson(mean * days * _factors(rng, INTERVALS, mean.shape))
    return contacts


def _factors(rng: np.random.Generator, cv: float, size: tuple[int, ...]) -> Floats:
    """Gamma factors of mean 1."""
    return rng.gamma(1.0 / cv**2, cv**2, size)
