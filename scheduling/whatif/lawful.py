"""Which offers the rules allow, and who takes which: nobody is in two kinds of repair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from scheduling.check import Violation
from scheduling.editing.changes import Segment, lines_of
from scheduling.editing.judging import Trials, broken_anew, broken_by_each
from scheduling.whatif.offers import Floor, Offer
from scheduling.whatif.results import RepairKind
from scheduling.whatif.sizes import sizes

# Offers looked at beyond those wanted, for those that break a rule; and of those that are likely to
# break one, to be able to say which.
SPARE = 3
UNLIKELY = 1


@dataclass(frozen=True)
class Variant:
    """One thing that people could do, and who could.

    name     what its repairs are called, before the number of people
    team     variants of one team are for the same people; nobody is in two teams
    offers   the best first
    allowed  rules that it breaks by its nature
    inside   nothing but the inside of a shift changes: its hours and all other shifts stay
    more     name of a variant that does the same for longer: who may do that may do this
    title, reason  in words, of the offers taken
    """

    kind: RepairKind
    name: str
    team: str
    offers: Sequence[Offer] = field(repr=False)
    title: Callable[[Sequence[Offer]], str] = field(repr=False)
    reason: Callable[[Sequence[Offer]], str] = field(repr=False)
    allowed: frozenset[str] = frozenset()
    inside: bool = False
    more: str = ""


@dataclass(frozen=True)
class Forbidden:
    """An offer that breaks a rule."""

    variant: Variant = field(repr=False)
    offer: Offer
    violation: Violation


def lawful(variants: Iterable[Variant], floor: Floor) -> tuple[list[Variant], list[Forbidden]]:
    """The variants with the offers that break no other rule than their nature, as many as are
    wanted and some more; and what was refused, with the first rule that stands against it.

    All are judged in one go. A variant with `more` comes after that one.
    """
    looked = [replace(v, offers=_foremost(v, floor)) for v in variants]
    trials = {key: trial for variant in looked for key, trial in _trials(variant, looked).items()}
    broken = _broken(trials, floor)
    kept: dict[str, Variant] = {}
    forbidden: list[Forbidden] = []
    for variant in looked:
        allowed = []
        for offer in variant.offers:
            key = _key(variant, offer)
            if key not in trials:
                stands = offer.days in {o.days for o in kept[variant.more].offers}
                allowed += [offer] * stands
                continue
            if broken[key]:
                forbidden.append(Forbidden(variant, offer, broken[key][0]))
            else:
                allowed.append(offer)
        kept[variant.name] = replace(variant, offers=allowed)
    return list(kept.values()), forbidden


def _foremost(variant: Variant, floor: Floor) -> list[Offer]:
    offers = sorted(variant.offers, key=lambda offer: offer.order)
    likely = [offer for offer in offers if offer.likely]
    wanted = max(sizes([o.gain_h for o in likely], floor), default=0)
    return [
        *likely[: wanted + max(SPARE, wanted // 4)],
        *[offer for offer in offers if not offer.likely][:UNLIKELY],
    ]


@dataclass(frozen=True)
class _Trial:
    """An offer to be judged; `allowed` and `inside` as of its variant."""

    offer: Offer
    allowed: frozenset[str]
    inside: bool


def _trials(variant: Variant, looked: Sequence[Variant]) -> dict[str, _Trial]:
    """The offers of the variant that are judged themselves."""
    longer = {o.days for v in looked if v.name == variant.more for o in v.offers if o.likely}
    return {
        _key(variant, offer): _Trial(offer, variant.allowed, variant.inside)
        for offer in variant.offers
        if offer.days not in longer
    }


def _key(variant: Variant, offer: Offer) -> str:
    return f"{variant.name} {offer.days}"


def _broken(trials: Mapping[str, _Trial], floor: Floor) -> dict[str, tuple[Violation, ...]]:
    """Rules that each offer alone breaks and that are kept now, those allowed left out."""
    roster, ground = floor.roster, floor.situation.ground
    agents = {trial.offer.agent_id for trial in trials.values() if not trial.inside}
    lines = lines_of(roster[roster["agent_id"].isin(agents)])

    after: Trials = {
        name: (ground.by_id[trial.offer.agent_id], _after(trial, lines))
        for name, trial in trials.items()
    }
    now = {
        name: [v for v in broken if v.rule not in trials[name].allowed]
        for name, broken in (broken_by_each(after, ground) if after else {}).items()
    }
    # What stands anyway is looked up for those alone who break something.
    breaking = [trials[name] for name, broken in now.items() if broken]
    standing: Trials = {
        _stands(trial): (ground.by_id[trial.offer.agent_id], _before(trial, lines))
        for trial in breaking
    }
    before = broken_by_each(standing, ground) if standing else {}
    return {
        name: broken_anew(now[name], before.get(_stands(trial), ()), {*trial.offer.days})
        for name, trial in trials.items()
    }


def _stands(trial: _Trial) -> str:
    """The name of what is there without the offer."""
    return str(trial.offer.days) if trial.inside else trial.offer.agent_id


def _before(trial: _Trial, lines: Mapping[str, list[Segment]]) -> list[Segment]:
    """What the agent works: all of it, or the days that change where nothing else matters."""
    if trial.inside:
        return [s for change in trial.offer.changes for s in change.before]
    return lines.get(trial.offer.agent_id, [])


def _after(trial: _Trial, lines: Mapping[str, list[Segment]]) -> list[Segment]:
    gone = {s for change in trial.offer.changes for s in change.before}
    new = [s for change in trial.offer.changes for s in change.after]
    return [*(s for s in _before(trial, lines) if s not in gone), *new]


def shared_out(variants: Sequence[Variant]) -> list[Variant]:
    """The variants with the people that each keeps: the teams take turns, each the best who is
    left. So repairs of two teams can always be taken together, and no rule breaks by it.
    """
    teams: dict[str, list[Variant]] = {}
    for variant in variants:
        teams.setdefault(variant.team, []).append(variant)
    waiting = {team: _people(of_team) for team, of_team in teams.items()}
    taken: dict[str, str] = {}
    while any(waiting.values()):
        for team, queue in waiting.items():
            while queue:
                agent_id = queue.pop(0)
                if agent_id not in taken:
                    taken[agent_id] = team
                    break
    return [
        replace(v, offers=[o for o in v.offers if taken.get(o.agent_id) == v.team])
        for v in variants
    ]


def _people(variants: Sequence[Variant]) -> list[str]:
    """Who the team wants, the best first."""
    best: dict[str, Offer] = {}
    for variant in variants:
        for offer in variant.offers:
            if offer.agent_id not in best or offer.order < best[offer.agent_id].order:
                best[offer.agent_id] = offer
    wanted = sorted(best.values(), key=lambda offer: offer.order)
    return [offer.agent_id for offer in wanted]
