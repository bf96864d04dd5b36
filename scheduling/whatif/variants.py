"""What people could do about a trouble, in the planner's words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from scheduling.editing.changes import ABSENT, worked
from scheduling.whatif.lawful import Variant
from scheduling.whatif.newshifts import called_from_standby, called_in
from scheduling.whatif.offers import Floor, Offer
from scheduling.whatif.shiftmoves import (
    breaks_moved,
    come_over,
    moved_earlier,
    put_back,
    starts_earlier,
    stays,
)
from scheduling.whatif.words import clock, length, listed, named, people

# The longest first: who may stay that long may stay for less.
STAY_MIN = (120, 60, 30)
EARLIER_MIN = (120, 60)
# A shift with overtime, or called in from standby, is none of the contract's templates.
NO_TEMPLATE = frozenset({"template"})


def variants(floor: Floor) -> Iterator[Variant]:
    """Everything that people could do, with those who could; what nobody can do is left out."""
    for variant in _all(floor):
        if variant.offers:
            yield variant


def _all(floor: Floor) -> Iterator[Variant]:
    because = partial(_because, floor)
    yield Variant(
        kind="breaks",
        name="breaks",
        team="breaks",
        offers=breaks_moved(floor),
        title=lambda o: people(
            len(o), "takes a break at another time", "take their breaks at another time"
        ),
        reason=partial(because, "their templates let them pause in a calmer hour"),
        inside=True,
    )
    yield Variant(
        kind="activity",
        name="activity",
        team="activity",
        offers=put_back(floor),
        title=lambda o: f"{people(len(o), 'goes', 'go')} back on queue, {_other(o)} put off",
        reason=partial(because, "what they are rostered for then can wait"),
        inside=True,
    )
    for minutes, more in zip(STAY_MIN, ("", *STAY_MIN), strict=False):
        yield Variant(
            kind="overtime",
            name=f"overtime-{minutes}",
            team="stays",
            offers=stays(floor, minutes),
            title=partial(_stay, minutes, floor),
            reason=partial(because, "their shifts end in the trouble"),
            allowed=NO_TEMPLATE,
            more=f"overtime-{more}",
        )
    for minutes, more in zip(EARLIER_MIN, ("", *EARLIER_MIN), strict=False):
        yield Variant(
            kind="overtime",
            name=f"earlier-{minutes}",
            team="starts earlier",
            offers=starts_earlier(floor, minutes),
            title=partial(_early, minutes, floor),
            reason=partial(because, "their shifts begin in the trouble"),
            allowed=NO_TEMPLATE,
            more=f"earlier-{more}",
        )
    yield Variant(
        kind="standby",
        name="standby",
        team="standby",
        offers=called_from_standby(floor),
        title=partial(_called, "on standby", floor),
        reason=partial(because, "they stand by for this"),
        allowed=NO_TEMPLATE,
    )
    yield Variant(
        kind="call_in",
        name="call_in",
        team="call_in",
        offers=called_in(floor),
        title=partial(_called, "off that day", floor),
        reason=partial(because, "their contracts have room, and the rest between shifts is kept"),
    )
    yield Variant(
        kind="tomorrow",
        name="sooner",
        team="sooner",
        offers=moved_earlier(floor),
        title=partial(_sooner, floor),
        reason=partial(because, "their shifts begin late in the trouble, or after it"),
    )
    yield Variant(
        kind="tomorrow",
        name="come_over",
        team="come_over",
        offers=come_over(floor),
        title=partial(_over, floor),
        reason=partial(because, "they are off on the day before, and what they leave is calmer"),
    )


def _because(floor: Floor, why: str, offers: Sequence[Offer]) -> str:
    names = {a.agent_id: a.name for a in floor.situation.agents}
    who = named([names[offer.agent_id] for offer in offers])
    gained, paid = (sum(getattr(o, column) for o in offers) for column in ("gain_h", "paid_h"))
    cost, per = (f"{paid:.1f} h paid", " per paid hour") if paid > 0 else ("none paid more", "")
    late, one = named(floor.trouble.queues), len(floor.trouble.queues) == 1
    return (
        f"{who}: {why}. {gained:.1f} h where {late} {'needs' if one else 'need'} it, {cost}: "
        f"chosen because they cover most of the trouble{per}"
    )


def _stay(minutes: int, floor: Floor, offers: Sequence[Offer]) -> str:
    last = max(_ends(offer) for offer in offers)
    one = "until" if len({_ends(offer) for offer in offers}) == 1 else "the last until"
    stay = people(len(offers), "stays", "stay")
    return f"{stay} {length(minutes)} longer ({one} {_clock(last, floor)})"


def _early(minutes: int, floor: Floor, offers: Sequence[Offer]) -> str:
    first = min(_begins(offer) for offer in offers)
    one = "at" if len({_begins(offer) for offer in offers}) == 1 else "the first at"
    start = people(len(offers), "starts", "start")
    return f"{start} {length(minutes)} earlier ({one} {_clock(first, floor)})"


def _called(who: str, floor: Floor, offers: Sequence[Offer]) -> str:
    first = min(_begins(offer) for offer in offers)
    called = people(len(offers), f"{who} is called in", f"{who} are called in")
    one = "from" if len({_begins(offer) for offer in offers}) == 1 else "the first from"
    return f"{called} ({one} {_clock(first, floor)})"


def _sooner(floor: Floor, offers: Sequence[Offer]) -> str:
    first = min(_begins(offer) for offer in offers)
    starts = "1 later shift starts" if len(offers) == 1 else f"{len(offers)} later shifts start"
    return f"{starts} earlier (the first at {_clock(first, floor)})"


def _over(floor: Floor, offers: Sequence[Offer]) -> str:
    first = min(_begins(offer) for offer in offers)
    works = people(len(offers), "works the next day's shift", "work their next day's shifts")
    return f"{works} a day earlier (the first at {_clock(first, floor)})"


def _other(offers: Sequence[Offer]) -> str:
    """What the people are rostered for that is put off."""
    put_off = sorted(
        {
            s.activity.replace("_", " ")
            for offer in offers
            for change in offer.changes
            for s in set(change.before) - set(change.after)
            if s.activity != "on_queue"
        }
    )
    return listed(put_off)


def _begins(offer: Offer) -> datetime:
    """When the first work begins that the offer brings."""
    return min(s.start for c in offer.changes for s in worked(c.after) if s not in c.before)


def _ends(offer: Offer) -> datetime:
    return max(s.end for s in offer.changes[0].after if s.activity not in ABSENT)


def _clock(at: datetime, floor: Floor) -> str:
    return clock(at, floor.trouble.start, floor.situation.brand.tz)
