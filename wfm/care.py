"""How a brand cares for its customers: handles, triage, escalation, policy, retention.

Everything here is configuration: read from the brand file, carried out by ingest and the queue.
On the live queue's path: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from wfm.calendars import ServiceWindow

# How difficult a case is: which resolution target runs on it.
Complexity = Literal["basic", "complaint"]

AuthorKind = Literal["", "influencer", "regulator", "press", "own", "blocked"]
AUTHOR_KINDS: tuple[AuthorKind, ...] = ("", "influencer", "regulator", "press", "own", "blocked")

# Authors of these kinds go to specialists.
FLAGGED: frozenset[AuthorKind] = frozenset({"influencer", "regulator", "press"})


@dataclass(frozen=True)
class AuthorFacts:
    """What is known of a contact's author: what people have set, and what the platform says."""

    kind: AuthorKind = ""
    reach: int | None = None
    verified: bool = False


@dataclass(frozen=True)
class Handle:
    """An account of the brand that customers write to.

    kind             care: stands there to help; brand: speaks for the brand, and redirects
    queue            where its messages go when nothing else decides
    window           its stated active hours; None: those of its queue
    off_hours_notice what a customer who writes outside the hours is told, at once and once; ""
                     tells nothing. `{opens}` becomes the next opening in the site's words
    care_handle      of a brand handle: the handle that a complaint is sent on to, once
    """

    name: str
    channel: str
    queue: str
    kind: Literal["care", "brand"] = "care"
    window: ServiceWindow | None = None
    off_hours_notice: str = ""
    care_handle: str = ""


@dataclass(frozen=True)
class Triage:
    """Lists that decide what a message is and who may take it; words match whole, case aside.

    own_authors      platform ids of our own accounts: their posts open no case
    blocked_authors  known senders of spam
    regulators, influencers, press   platform ids whose cases go to specialists
    influencer_reach so many followers make an author an influencer; None: only those listed
    spam_words       a message that holds one is spam
    complaint_words  make a case a complaint: a day instead of an hour to resolve it
    sensitive_words  send a case to specialists
    specialist_queue the queue that specialists serve; "": the case stays in its queue and needs
                     an agent of `specialist_level`
    """

    own_authors: tuple[str, ...] = ()
    blocked_authors: tuple[str, ...] = ()
    regulators: tuple[str, ...] = ()
    influencers: tuple[str, ...] = ()
    press: tuple[str, ...] = ()
    influencer_reach: int | None = None
    spam_words: tuple[str, ...] = ()
    complaint_words: tuple[str, ...] = ()
    sensitive_words: tuple[str, ...] = ()
    specialist_queue: str = ""
    specialist_level: int = 4


@dataclass(frozen=True)
class ResolutionTarget:
    """Open, unpaused seconds in which a case is to be resolved, and when to warn of it."""

    threshold_s: int
    warn_s: int


BASIC = ResolutionTarget(threshold_s=3600, warn_s=1800)
COMPLAINT = ResolutionTarget(threshold_s=172_800, warn_s=86_400)


RungAction = Literal["alert", "severity", "queue", "open"]


@dataclass(frozen=True)
class Rung:
    """A step of the escalation ladder: what happens to a waiting case with this little slack left.

    slack_s   open seconds before the deadline; below 0 after it
    action    alert: tell those who watch; severity: raise it to `severity`; queue: hand it to
              `queue`; open: let any agent of its queue take it, whatever level it needed.
              What only specialists answer stays with them: such a rung only alerts
    """

    slack_s: int
    action: RungAction
    severity: int = 0
    queue: str = ""


PolicyAction = Literal["acknowledge", "put_off", "spike_mode", "call_out"]


@dataclass(frozen=True)
class PolicyStep:
    """One step that a queue takes while its promise is predicted to break, in the order given.

    action     acknowledge: new messages get an automatic acknowledgement at once
               put_off: the cases of `queues` come later in the order, by `put_off_s`
               spike_mode: cases that can be saved come before those that are late
               call_out: the people of `agents` (all on standby when empty) are called
    after_s    for how long the breach must have been predicted before the step is taken
    """

    action: PolicyAction
    after_s: int = 0
    queues: tuple[str, ...] = ()
    put_off_s: int = 0
    text: str = ""
    agents: tuple[str, ...] = ()


# Acknowledging costs nothing; spike mode waits for two intervals, as the rule of the queue says.
DEFAULT_STEPS: tuple[PolicyStep, ...] = (
    PolicyStep("acknowledge", 0),
    PolicyStep("put_off", 300),
    PolicyStep("spike_mode", 1800),
    PolicyStep("call_out", 1800),
)


@dataclass(frozen=True)
class Policy:
    """What the queue does when it predicts that its promise breaks.

    horizon_s  how far it looks ahead
    quiet_s    a step is taken back when no breach was predicted for this long
    """

    steps: tuple[PolicyStep, ...] = DEFAULT_STEPS
    horizon_s: int = 3600
    quiet_s: int = 3600


@dataclass(frozen=True)
class Exceptions:
    """What an agent may grant a customer without asking, in the brand's money; above: approval."""

    limits: tuple[tuple[str, float], ...] = (("agent", 20.0), ("team-lead", 100.0))

    def limit_of(self, role: str) -> float:
        """The most that the role may grant alone; 0 for a role that is not named."""
        return dict(self.limits).get(role, 0.0)


@dataclass(frozen=True)
class Retention:
    """How long what customers wrote is kept, days after their case was closed; None: for ever."""

    messages_days: int | None = None
    raw_days: int | None = None


@dataclass(frozen=True)
class Care:
    """Everything of the brand file's [care] sections.

    lease_s         how long a claim holds a case
    reopen_s        a customer who answers within this long after a case was closed reopens it
    close_s         an answered case whose customer has not written for this long is closed
    heartbeat_s     an agent who was not heard of for this long is not there
    automatic       assign waiting cases to free agents without their asking
    repeat_s        another case of the same customer within this long is a repeat contact
    badge_window_s  how far back the share of quick answers of a handle's badge looks
    """

    handles: tuple[Handle, ...] = ()
    triage: Triage = field(default_factory=Triage)
    basic: ResolutionTarget = BASIC
    complaint: ResolutionTarget = COMPLAINT
    ladder: tuple[Rung, ...] = (Rung(300, "alert"), Rung(0, "alert"))
    policy: Policy = field(default_factory=Policy)
    exceptions: Exceptions = field(default_factory=Exceptions)
    retention: Retention = field(default_factory=Retention)
    lease_s: int = 600
    reopen_s: int = 604_800
    close_s: int = 259_200
    heartbeat_s: int = 120
    automatic: bool = False
    repeat_s: int = 604_800
    badge_window_s: int = 604_800

    def target(self, complexity: Complexity) -> ResolutionTarget:
        """The resolution target of cases of this complexity."""
        return self.complaint if complexity == "complaint" else self.basic
