"""Write the sample brand: five queues, 26 weeks of history and 120 agents, all of it invented.

    python data/sample/make_sample.py [--out DIR] [--seed N]

Nothing here was ever measured anywhere. Every number follows from the truth stated in this file
and from the seed; `truth.json` repeats the truth, so that a forecast can be held against what it
should have found. The same seed gives the same files.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from wfm.calendars import DAY_MINUTES, WEEKDAYS, is_public_holiday
from wfm.campaigns import Campaign
from wfm.frames import interval_index
from wfm.timegrid import format_instant, local_midnight

HERE = Path(__file__).resolve().parent
# Of the seeds tried, one that puts no campaign or spike on a freak day of the noise.
SEED = 67
ZONE = ZoneInfo("Europe/Berlin")
FIRST_DAY = date(2025, 9, 1)
WEEKS = 26
# The day after the history, where the demo's clock starts; a Monday.
NEXT_DAY = FIRST_DAY + timedelta(weeks=WEEKS)
PLANNED_WEEKS = 4

Floats = npt.NDArray[np.float64]


# -- the truth ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bump:
    """A rise in the day: `height` at `hour`, fading as a normal curve of `width_h` hours."""

    hour: float
    width_h: float
    height: float


@dataclass(frozen=True)
class QueueTruth:
    """What makes a queue's volume and its handling times.

    contacts_per_week   expected in a week without holidays, campaigns or spikes, at the start
    weekday_weights     share of the week on Monday to Sunday, up to a constant
    floor               rate at the quietest hours, on the scale of the bumps' heights
    workday, weekend    the day's shape on Monday to Friday, and on Saturday and Sunday
    holiday_effect      the volume of a market on its public holiday, as a share of the usual
    market_shares       where the contacts come from, by ISO country
    aht_s               mean handling time over the usual week; the brand's work laws give the same
    """

    name: str
    contacts_per_week: float
    weekday_weights: tuple[float, ...]
    floor: float
    workday: tuple[Bump, ...]
    weekend: tuple[Bump, ...]
    holiday_effect: float
    market_shares: dict[str, float]
    aht_s: float


@dataclass(frozen=True)
class CampaignTruth:
    """A campaign, local times, and the uplift at its peak that the campaigns' file leaves out."""

    name: str
    start: datetime
    end: datetime
    queues: tuple[str, ...]
    reach: int
    peak_uplift: float
    rise_min: float = 60.0
    half_life_min: float = 240.0

    @property
    def campaign(self) -> Campaign:
        """As the campaigns' file tells it: the uplift is for the forecast to learn."""
        return Campaign(
            self.name,
            self.start.astimezone(UTC),
            self.end.astimezone(UTC),
            self.queues,
            reach=self.reach,
            rise_min=self.rise_min,
            half_life_min=self.half_life_min,
        )


@dataclass(frozen=True)
class Outage:
    """Our intake was down: its intervals are missing, and afterwards people write again.

    surge  extra contacts right after the end, as a share of the usual volume, halved every
           `half_life_min`
    """

    start: datetime
    end: datetime
    surge: float
    half_life_min: float


@dataclass(frozen=True)
class Viral:
    """A post that spread: extra contacts of `size` x the onset's usual volume x (1 + t/tau)^-power.

    After `lasts_h` hours it is over.
    """

    queue: str
    onset: datetime
    size: float
    tau_min: float
    power: float
    lasts_h: int


@dataclass(frozen=True)
class Noise:
    """Why counts spread more than Poisson's; all factors have mean 1.

    day_cv       a gamma factor that all queues share on a local day
    interval_cv  a gamma factor of each queue and interval
    aht_cv       of one handling time
    """

    day_cv: float
    interval_cv: float
    aht_cv: float


@dataclass(frozen=True)
class Truth:
    """Everything the history is drawn from.

    growth_per_year  steady growth of all queues, as a share
    aht_swing        handling takes longer at night: 1 + aht_swing at 03:00, 1 - aht_swing at 15:00,
                     over the volume's mean of the same
    """

    queues: tuple[QueueTruth, ...]
    campaigns: tuple[CampaignTruth, ...]
    outage: Outage
    virals: tuple[Viral, ...]
    noise: Noise
    growth_per_year: float
    aht_swing: float


def _at(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZONE)


SOCIAL = ("x", "facebook", "instagram")

TRUTH = Truth(
    queues=(
        QueueTruth(
            name="x",
            contacts_per_week=8900.0,
            weekday_weights=(1.06, 1.04, 1.02, 1.00, 1.02, 0.84, 0.80),
            floor=0.10,
            workday=(Bump(9.0, 1.6, 0.55), Bump(13.0, 2.2, 0.70), Bump(19.5, 2.4, 1.00)),
            weekend=(Bump(12.0, 2.6, 0.75), Bump(19.0, 3.0, 0.95)),
            holiday_effect=0.75,
            market_shares={"DE": 0.6, "IE": 0.4},
            aht_s=240.0,
        ),
        QueueTruth(
            name="facebook",
            contacts_per_week=5600.0,
            weekday_weights=(1.08, 1.04, 1.00, 1.00, 0.98, 0.78, 0.74),
            floor=0.09,
            workday=(Bump(10.0, 2.0, 0.80), Bump(14.5, 2.6, 0.75), Bump(20.0, 1.9, 0.75)),
            weekend=(Bump(11.0, 2.4, 0.90), Bump(18.0, 3.4, 0.70)),
            holiday_effect=0.85,
            market_shares={"DE": 1.0},
            aht_s=300.0,
        ),
        QueueTruth(
            name="instagram",
            contacts_per_week=6700.0,
            weekday_weights=(0.98, 0.98, 1.00, 1.02, 1.06, 0.92, 0.90),
            floor=0.11,
            workday=(Bump(12.5, 2.2, 0.60), Bump(17.0, 2.4, 0.65), Bump(20.8, 1.8, 1.00)),
            weekend=(Bump(13.5, 3.0, 0.85), Bump(20.5, 2.4, 0.90)),
            holiday_effect=1.15,
            market_shares={"DE": 0.7, "IE": 0.3},
            aht_s=270.0,
        ),
        QueueTruth(
            name="email",
            contacts_per_week=2200.0,
            weekday_weights=(1.25, 1.12, 1.05, 1.00, 0.92, 0.50, 0.46),
            floor=0.07,
            workday=(Bump(9.5, 1.8, 1.00), Bump(14.0, 2.6, 0.80)),
            weekend=(Bump(11.0, 2.6, 0.90), Bump(17.0, 2.8, 0.55)),
            holiday_effect=0.55,
            market_shares={"DE": 1.0},
            aht_s=480.0,
        ),
        QueueTruth(
            name="linkedin",
            contacts_per_week=850.0,
            weekday_weights=(1.04, 1.10, 1.08, 1.04, 0.86, 0.12, 0.10),
            floor=0.03,
            workday=(Bump(10.5, 1.5, 1.00), Bump(15.0, 1.9, 0.90)),
            weekend=(Bump(13.0, 4.0, 1.00),),
            holiday_effect=0.25,
            market_shares={"DE": 0.5, "IE": 0.5},
            aht_s=320.0,
        ),
    ),
    campaigns=(
        CampaignTruth(
            name="Autumn collection",
            start=_at(2025, 9, 23, 9),
            end=_at(2025, 9, 24, 21),
            queues=SOCIAL,
            reach=400_000,
            peak_uplift=0.50,
        ),
        CampaignTruth(
            name="Black Friday",
            start=_at(2025, 11, 28, 7),
            end=_at(2025, 11, 29, 22),
            queues=(*SOCIAL, "email"),
            reach=600_000,
            peak_uplift=0.65,
        ),
        CampaignTruth(
            name="January sale",
            start=_at(2026, 1, 13, 9),
            end=_at(2026, 1, 14, 21),
            queues=SOCIAL,
            reach=380_000,
            peak_uplift=0.45,
        ),
        CampaignTruth(
            name="Spring collection",
            start=_at(2026, 3, 10, 9),
            end=_at(2026, 3, 11, 21),
            queues=SOCIAL,
            reach=420_000,
            peak_uplift=0.50,
        ),
    ),
    outage=Outage(
        start=_at(2025, 11, 11, 13, 15), end=_at(2025, 11, 11, 18, 30), surge=0.9, half_life_min=60
    ),
    virals=(
        Viral("x", _at(2025, 10, 15, 19, 30), size=4.0, tau_min=30, power=1.0, lasts_h=36),
        Viral("instagram", _at(2026, 1, 28, 11, 15), size=3.5, tau_min=30, power=0.9, lasts_h=36),
    ),
    noise=Noise(day_cv=0.08, interval_cv=0.12, aht_cv=0.7),
    growth_per_year=0.06,
    aht_swing=0.04,
)


SLOTS = DAY_MINUTES // 15


def day_shape(queue: QueueTruth, *, weekend: bool) -> Floats:
    """The queue's share of a day in each quarter-hour, local; the 96 add up to 1."""
    hours = (np.arange(SLOTS) + 0.5) / 4.0
    shape = np.full(SLOTS, queue.floor)
    for bump in queue.weekend if weekend else queue.workday:
        # The day is a circle: an evening bump reaches past midnight.
        away = np.abs(hours - bump.hour)
        away = np.minimum(away, 24.0 - away)
        shape += bump.height * np.exp(-0.5 * (away / bump.width_h) ** 2)
    return np.asarray(shape / shape.sum())


def weekly_rates(queue: QueueTruth) -> Floats:
    """Expected contacts by weekday (7 rows) and quarter-hour of the local day (96 columns)."""
    weights = np.array(queue.weekday_weights) / sum(queue.weekday_weights)
    shapes = np.array([day_shape(queue, weekend=weekday >= 5) for weekday in range(7)])
    return np.asarray(queue.contacts_per_week * weights[:, None] * shapes)


def holiday_factor(queue: QueueTruth, day: date) -> float:
    """Volume on a local day as a share of the usual, by the holidays of the queue's markets."""
    return sum(
        share * (queue.holiday_effect if is_public_holiday(day, country) else 1.0)
        for country, share in queue.market_shares.items()
    )


# -- volumes --------------------------------------------------------------------------------------


def history() -> pd.DatetimeIndex:
    """Starts of the intervals of the history, UTC: whole local days."""
    return interval_index(local_midnight(FIRST_DAY, ZONE), local_midnight(NEXT_DAY, ZONE))


def _usual(queue: QueueTruth, truth: Truth, starts: pd.DatetimeIndex) -> Floats:
    """Expected contacts by interval from the week, the growth and the holidays alone."""
    local = starts.tz_convert(ZONE)
    slots = (local.hour * 60 + local.minute).to_numpy() // 15
    rates = weekly_rates(queue)[local.day_of_week.to_numpy(), slots]
    years = (starts - starts[0]).total_seconds().to_numpy() / (365.0 * 86_400.0)
    days = pd.Series(local.date)
    holidays = days.map({day: holiday_factor(queue, day) for day in days.unique()}).to_numpy()
    return np.asarray(rates * (1.0 + truth.growth_per_year) ** years * holidays, dtype=np.float64)


def is_counted(truth: Truth, starts: pd.DatetimeIndex) -> npt.NDArray[np.bool_]:
    """Whether our intake was up, by interval."""
    outage = truth.outage
    hidden = interval_index(outage.start.astimezone(UTC), outage.end.astimezone(UTC))
    return np.asarray(~starts.isin(hidden), dtype=np.bool_)


def expected_contacts(queue: QueueTruth, truth: Truth, starts: pd.DatetimeIndex) -> Floats:
    """Expected contacts by interval, everything that happens in the truth included."""
    usual = _usual(queue, truth, starts)
    uplift = np.zeros(len(starts))
    for event in truth.campaigns:
        if queue.name in event.queues:
            campaign = event.campaign
            uplift += event.peak_uplift * np.array([campaign.shape(at) for at in starts])
    after_min = (starts - truth.outage.end.astimezone(UTC)).total_seconds().to_numpy() / 60.0
    halvings = np.maximum(after_min, 0.0) / truth.outage.half_life_min
    uplift += np.where(after_min >= 0, truth.outage.surge * 0.5**halvings, 0.0)
    expected = usual * (1.0 + uplift)
    for viral in truth.virals:
        if viral.queue == queue.name:
            since = (starts - viral.onset.astimezone(UTC)).total_seconds().to_numpy() / 60.0
            on = (since >= 0) & (since < viral.lasts_h * 60)
            at_onset = usual[int(np.argmax(on))]
            decay = (1.0 + np.maximum(since, 0.0) / viral.tau_min) ** -viral.power
            expected += np.where(on, viral.size * at_onset * decay, 0.0)
    return expected


def expected_aht(queue: QueueTruth, truth: Truth, starts: pd.DatetimeIndex) -> Floats:
    """Mean handling time by interval, seconds; over the usual week it is `aht_s`."""

    def swing(slots: npt.NDArray[np.int64]) -> Floats:
        hours = (slots + 0.5) / 4.0
        return np.asarray(1.0 + truth.aht_swing * np.cos((hours - 3.0) / 24.0 * 2.0 * np.pi))

    by_slot = weekly_rates(queue).sum(axis=0)
    level = float((by_slot * swing(np.arange(SLOTS))).sum() / by_slot.sum())
    local = starts.tz_convert(ZONE)
    slots = (local.hour * 60 + local.minute).to_numpy() // 15
    return queue.aht_s / level * swing(slots)


def _gamma(rng: np.random.Generator, cv: float, size: int) -> Floats:
    return rng.gamma(1.0 / cv**2, cv**2, size)


def make_volumes(truth: Truth, seed: int) -> pd.DataFrame:
    """The history: timestamp (UTC), queue, value (whole contacts), aht_s (whole seconds or none).

    The outage's intervals are absent: nothing was counted, which is not the same as no contacts.
    """
    starts = history()
    days = starts.tz_convert(ZONE).date
    busy = _gamma(np.random.default_rng([seed, 0]), truth.noise.day_cv, WEEKS * 7)
    day_factor = busy[pd.factorize(days)[0]]
    counted = is_counted(truth, starts)
    tables: list[pd.DataFrame] = []
    for number, queue in enumerate(truth.queues, start=1):
        rng = np.random.default_rng([seed, number])
        spread = day_factor * _gamma(rng, truth.noise.interval_cv, len(starts))
        contacts = rng.poisson(expected_contacts(queue, truth, starts) * spread)
        # The mean of n gamma handling times of cv c is gamma again, with cv c / sqrt(n).
        shape = np.maximum(contacts, 1) / truth.noise.aht_cv**2
        aht = expected_aht(queue, truth, starts) * rng.gamma(shape) / shape
        table = pd.DataFrame(
            {
                "timestamp": starts,
                "queue": queue.name,
                "value": contacts,
                "aht_s": np.where(contacts > 0, np.maximum(np.round(aht), 1.0), np.nan),
            }
        )
        tables.append(table[counted])
    return pd.concat(tables, ignore_index=True)


# -- agents ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Staff:
    """How many agents hold a contract, and the availability of those who are restricted."""

    contract: str
    count: int
    restricted: tuple[str, ...]


NO_NIGHTS = "mon-sun 06:00-23:00"
WEEKDAYS_ONLY = "mon-fri 06:00-22:00"
NO_WEDNESDAY = "mon,tue,thu-sun 00:00-24:00"
SCHOOL_HOURS = "mon-fri 07:00-16:00"
EVENINGS = "mon-fri 15:00-24:00;sat,sun 08:00-24:00"

STAFF = (
    Staff("full_8h", 44, (WEEKDAYS_ONLY,) * 3 + (NO_NIGHTS,) * 3 + (NO_WEDNESDAY,) * 2),
    Staff("rota_8h", 28, ()),
    Staff("part_6h", 22, (SCHOOL_HOURS,) * 5 + (NO_NIGHTS,) * 3),
    Staff("part_8h", 12, (NO_NIGHTS,) * 2),
    Staff("part_4h", 14, (EVENINGS,) * 6),
)

# What agents can serve, the queue they know best first, and how many of them.
SKILL_SETS: tuple[tuple[tuple[str, ...], int], ...] = (
    (("x", "facebook", "instagram"), 16),
    (("instagram", "x", "facebook"), 14),
    (("facebook", "instagram", "x"), 10),
    (("x", "instagram"), 14),
    (("facebook", "instagram"), 12),
    (("email", "facebook"), 18),
    (("linkedin", "email"), 8),
    (("linkedin", "x"), 8),
    (("x",), 10),
    (("instagram",), 10),
)

FIRST_NAMES = (
    *("Ada", "Ben", "Clara", "David", "Elif", "Finn", "Greta", "Hamid", "Ida", "Jonas"),
    *("Katya", "Liam", "Mara", "Nils", "Orla", "Paul", "Rosa", "Sami", "Tara", "Viktor"),
)
LAST_NAMES = ("Albers", "Brandt", "Conway", "Dogan", "Egger", "Farrell")

LONG_TEMPLATES = ("early8", "day8", "late8", "night8")

# Whose contract begins, ends or changes near the planned weeks.
JOINS = {"A044": date(2026, 3, 16)}
LEAVES = {"A072": date(2026, 3, 22)}
CHANGES = {"A094": (date(2026, 2, 1), "part_8h"), "A120": (date(2026, 3, 16), "part_6h")}


def _skills(rng: np.random.Generator) -> list[str]:
    """The skills of every agent in the file's notation, drawn in a random order."""
    sets = [queues for queues, count in SKILL_SETS for _ in range(count)]
    made = []
    for number in rng.permutation(len(sets)):
        best, *others = sets[number]
        levels = [rng.integers(3, 6), *(rng.integers(1, 5) for _ in others)]
        pairs = zip((best, *others), levels, strict=True)
        made.append(";".join(f"{queue}:{level}" for queue, level in pairs))
    return made


def _preferences(rng: np.random.Generator, contract: str) -> str:
    """Up to two wishes: a day off, and for long shifts a template liked or disliked."""
    wishes = []
    if rng.random() < 0.45:
        wishes.append(f"off:{rng.choice(WEEKDAYS)}:{rng.integers(1, 4)}")
    if contract.endswith("_8h") and rng.random() < 0.4:
        kind = "avoid" if rng.random() < 0.6 else "prefer"
        wishes.append(f"{kind}:{rng.choice(LONG_TEMPLATES)}:{rng.integers(1, 4)}")
    return ";".join(wishes)


def _time_off(rng: np.random.Generator) -> str:
    """Two to five days within the planned weeks."""
    first = NEXT_DAY + timedelta(days=int(rng.integers(0, PLANNED_WEEKS * 7 - 4)))
    return f"{first}..{first + timedelta(days=int(rng.integers(1, 5)))}"


def _terms(rng: np.random.Generator, agent_id: str, contract: str) -> list[dict[str, str]]:
    hired = date(2019, 1, 1) + timedelta(days=int(rng.integers(0, 2300)))
    since, until = JOINS.get(agent_id, hired), LEAVES.get(agent_id)
    if agent_id not in CHANGES:
        return [_term(contract, since, until)]
    changed, new = CHANGES[agent_id]
    return [_term(contract, since, changed - timedelta(days=1)), _term(new, changed, None)]


def _term(contract: str, since: date, until: date | None) -> dict[str, str]:
    return {
        "contract": contract,
        "contract_from": str(since),
        "contract_to": "" if until is None else str(until),
    }


AGENT_COLUMNS = (
    *("agent_id", "name", "contract", "contract_from", "contract_to"),
    *("skills", "availability", "time_off", "preferences"),
)


def make_agents(seed: int) -> list[dict[str, str]]:
    """Rows of the agents' file: one a contract term, whatever else is known in an agent's first."""
    rng = np.random.default_rng([seed, 100])
    posts = [
        (staff.contract, availability)
        for staff in STAFF
        for availability in (*staff.restricted, *[""] * (staff.count - len(staff.restricted)))
    ]
    names = [f"{first} {last}" for last in LAST_NAMES for first in FIRST_NAMES]
    absent = set(rng.choice(len(posts), size=len(posts) // 5, replace=False).tolist())
    rows = []
    for number, (post, skills) in enumerate(zip(posts, _skills(rng), strict=True)):
        contract, availability = post
        agent_id = f"A{number + 1:03d}"
        first, *later = _terms(rng, agent_id, contract)
        about = {
            "skills": skills,
            "availability": availability,
            "time_off": _time_off(rng) if number in absent else "",
            "preferences": _preferences(rng, contract),
        }
        identity = {"agent_id": agent_id, "name": names[number]}
        rows.append({**identity, **first, **about})
        rows += [{**identity, **term, **dict.fromkeys(about, "")} for term in later]
    return rows


# -- files ----------------------------------------------------------------------------------------


CAMPAIGN_COLUMNS = (
    *("name", "start", "end", "queues", "category", "reach"),
    *("peak_uplift", "rise_min", "half_life_min"),
)


def campaign_rows(truth: Truth) -> list[dict[str, str]]:
    """The campaigns' file, in local time; the uplift is left for the forecast to learn."""
    return [
        {
            "name": event.name,
            "start": f"{event.start:%Y-%m-%d %H:%M}",
            "end": f"{event.end:%Y-%m-%d %H:%M}",
            "queues": ";".join(event.queues),
            "category": "campaign",
            "reach": str(event.reach),
            "peak_uplift": "",
            "rise_min": f"{event.rise_min:g}",
            "half_life_min": f"{event.half_life_min:g}",
        }
        for event in truth.campaigns
    ]


def truth_document(truth: Truth, seed: int) -> dict[str, Any]:
    """The truth as JSON, instants in UTC; `expected_contacts` leaves out what the outage hid."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        return format_instant(value) if isinstance(value, datetime) else value

    starts = history()
    counted = is_counted(truth, starts)
    return {
        "synthetic": True,
        "seed": seed,
        "zone": ZONE.key,
        "start": format_instant(starts[0].to_pydatetime()),
        "end": format_instant(local_midnight(NEXT_DAY, ZONE)),
        "intervals": len(starts),
        **plain(asdict(truth)),
        "expected_contacts": {
            queue.name: round(float(expected_contacts(queue, truth, starts)[counted].sum()), 1)
            for queue in truth.queues
        },
    }


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_sample(folder: Path, seed: int) -> None:
    """Write the sample brand into `folder`, which is made where it is missing.

    The brand file holds nothing random and is kept by hand; elsewhere it is copied.
    """
    folder.mkdir(parents=True, exist_ok=True)
    volumes = make_volumes(TRUTH, seed)
    narrow = volumes.astype({"value": "int32", "aht_s": "float32"})
    narrow.to_parquet(folder / "volumes.parquet", index=False, compression="zstd")
    if folder.resolve() != HERE:
        shutil.copy(HERE / "brand.toml", folder)
    _write_csv(folder / "agents.csv", AGENT_COLUMNS, make_agents(seed))
    _write_csv(folder / "campaigns.csv", CAMPAIGN_COLUMNS, campaign_rows(TRUTH))
    truth = json.dumps(truth_document(TRUTH, seed), indent=1)
    (folder / "truth.json").write_text(truth + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the synthetic sample brand.")
    parser.add_argument("--out", type=Path, default=HERE, metavar="DIR")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N")
    options = parser.parse_args()
    write_sample(options.out, options.seed)
    print(f"the sample brand, synthetic, seed {options.seed}: {options.out}")


if __name__ == "__main__":
    main()
