"""The worlds that can be simulated: wikis, policy steps and behaviour, each named by what it is to show."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobs.simulation.vocabulary import SHIPPED, Vocabulary, with_entry_points

HEALTH_METRICS = "personal-dashboard-health-metrics"
USAGE = "personal-dashboard-usage"
ENTRY_POINTS = "personal-dashboard-entry-points"


@dataclass(frozen=True)
class WikiSpec:
    """A wiki of a world.

    Attributes:
        wiki_db: database name.
        domain: host of its events.
        language: language code.
        pilot: whether it counts as a pilot.
        users: eligible users at scale 1.
        silent_days: days between deployment and first display, from the world's first day.
        leaks_from: day of the world from which the menu link is shown all the same, null where it waits.
    """

    wiki_db: str
    domain: str
    language: str
    pilot: bool
    users: int
    silent_days: int = 0
    leaks_from: int | None = None

    @property
    def shown_from(self) -> int:
        """Day of the world from which the menu link is shown."""
        return self.silent_days if self.leaks_from is None else min(self.leaks_from, self.silent_days)


@dataclass(frozen=True)
class PolicyStep:
    """A sampling setting that starts `from_share` of the way through the world (0: it was there before).

    `true_rate` is what clients really do where it differs from the declared rate; a step that is not `declared` has no
    row in sampling_policy.csv.
    """

    wiki_db: str
    unit: str
    rate: float
    from_share: float = 0.0
    instrument: str = HEALTH_METRICS
    true_rate: float | None = None
    declared: bool = True


@dataclass(frozen=True)
class Scenario:
    """A world to simulate.

    Attributes:
        name: key in `SCENARIOS`.
        description: one sentence.
        wikis: its wikis; the first is the big one.
        policy: sampling settings in order of time.
        dirt: whether the stream carries the dirt of real streams.
        missing_hour: whether now and then an hour never arrives (on day 2, and every 60 days).
        truncated_file: whether one file breaks off.
        persistence: daily probability that a session of a tab keeper lives on.
        tab_keepers: share of users who rarely close the browser.
        split: whether entry points are an instrument of their own, without user ids.
        annotated: whether milestones.csv and wiki_config.csv are written.
        history: whether dumps of mediawiki_history are written, a snapshot for each month that ends in the world.
        vocabulary: what can be measured when.
    """

    name: str
    description: str
    wikis: tuple[WikiSpec, ...]
    policy: tuple[PolicyStep, ...]
    dirt: bool = False
    missing_hour: bool = False
    truncated_file: bool = False
    persistence: float = 0.85
    tab_keepers: float = 0.2
    split: bool = False
    annotated: bool = False
    history: bool = False
    vocabulary: Vocabulary = field(default=SHIPPED, repr=False)

    @property
    def extendable(self) -> bool:
        """Whether a longer world begins as a shorter one: not where a setting starts at a share of the length."""
        return all(step.from_share == 0.0 for step in self.policy)


_EN = WikiSpec("enwiki", "en.wikipedia.org", "en", False, 12_000)
_ID = WikiSpec("idwiki", "id.wikipedia.org", "id", True, 3600)
_TR = WikiSpec("trwiki", "tr.wikipedia.org", "tr", True, 3000)
_TH = WikiSpec("thwiki", "th.wikipedia.org", "th", True, 2000)
_STRAYS = tuple(WikiSpec(f"{code}wiki", f"{code}.wikipedia.org", code, False, 50) for code in ("az", "te", "is"))
_FULL = PolicyStep("*", "pageview", 1.0)
_SILENT_EN = WikiSpec("enwiki", "en.wikipedia.org", "en", False, 14_000, silent_days=2)
_SILENT_TR = WikiSpec("trwiki", "tr.wikipedia.org", "tr", True, 3000, silent_days=1)


def _one_sampled(name: str, description: str, *steps: PolicyStep, keepers: float = 0.2) -> Scenario:
    """Return a world of English Wikipedia under `steps` beside Turkish Wikipedia at 100 %."""
    return Scenario(name, description, (_EN, _TR), (*steps, _FULL), tab_keepers=keepers)


_ALL: tuple[Scenario, ...] = (
    Scenario(
        "default",
        "English Wikipedia at 10 % of sessions beside three pilots at 100 %, with the dirt of real streams, and dumps "
        "of mediawiki_history: for English Wikipedia calibrated to the published ratios of bands and windows.",
        (_SILENT_EN, _ID, _TR, _TH),
        (PolicyStep("enwiki", "session", 0.1), _FULL),
        dirt=True,
        missing_hour=True,
        annotated=True,
        history=True,
    ),
    Scenario(
        "unsampled",
        "Three wikis at 100 % with dirt but no lost hour, so that every row equals the truth.",
        (_ID, _TR, WikiSpec("thwiki", "th.wikipedia.org", "th", True, 2000, silent_days=2)),
        (_FULL,),
        dirt=True,
    ),
    Scenario(
        "clean",
        "Three wikis at 100 % and not one bad line, with dumps of mediawiki_history.",
        (_ID, _TR, _TH),
        (_FULL,),
        history=True,
    ),
    _one_sampled("pageview-10", "English Wikipedia at 10 % of pageviews.", PolicyStep("enwiki", "pageview", 0.1)),
    _one_sampled("session-25", "English Wikipedia at 25 % of sessions.", PolicyStep("enwiki", "session", 0.25)),
    _one_sampled("pageview-50", "English Wikipedia at 50 % of pageviews.", PolicyStep("enwiki", "pageview", 0.5)),
    _one_sampled(
        "rate-change",
        "English Wikipedia goes from 100 % of pageviews to 10 % and back; clients follow within ten minutes.",
        PolicyStep("enwiki", "pageview", 1.0),
        PolicyStep("enwiki", "pageview", 0.1, 1 / 3),
        PolicyStep("enwiki", "pageview", 1.0, 2 / 3),
    ),
    Scenario(
        "spanning-sessions",
        "English Wikipedia at 50 % of sessions, three in ten of which touch two weeks.",
        (_EN, _TR),
        (PolicyStep("enwiki", "session", 0.5), _FULL),
        persistence=0.96,
        tab_keepers=0.9,
    ),
    _one_sampled(
        "undeclared-rate",
        "English Wikipedia declares 50 % of pageviews but its clients send 25 %.",
        PolicyStep("enwiki", "pageview", 0.5, true_rate=0.25),
    ),
    _one_sampled(
        "unit-change",
        "English Wikipedia changes from 50 % of pageviews to 50 % of sessions half-way.",
        PolicyStep("enwiki", "pageview", 0.5),
        PolicyStep("enwiki", "session", 0.5, 1 / 2),
    ),
    Scenario(
        "entry-points",
        "Usage at 100 %, and entry points (a top link and a sidebar link) at 10 % of pageviews without user ids.",
        (_EN, _TR),
        (
            PolicyStep("*", "pageview", 1.0, instrument=USAGE),
            PolicyStep("*", "pageview", 0.1, instrument=ENTRY_POINTS),
        ),
        split=True,
        vocabulary=with_entry_points(),
    ),
    Scenario(
        "policy-gaps",
        "Two wikis at 100 % beside small ones that send although the policy has no row, a late row, or rate zero.",
        (_TR, _TH, *_STRAYS),
        (
            PolicyStep("trwiki", "pageview", 1.0),
            PolicyStep("thwiki", "pageview", 1.0),
            PolicyStep("azwiki", "pageview", 1.0, declared=False),
            PolicyStep("tewiki", "pageview", 1.0, declared=False),
            PolicyStep("tewiki", "pageview", 1.0, 1 / 2),
            PolicyStep("iswiki", "session", 0.0, true_rate=1.0),
        ),
    ),
    Scenario(
        "truncated-file",
        "A wiki at 100 % and one at 50 % of pageviews with dirt, a lost hour and one gzip file that breaks off.",
        (_TR, _TH),
        (PolicyStep("thwiki", "pageview", 0.5), _FULL),
        dirt=True,
        missing_hour=True,
        truncated_file=True,
    ),
    Scenario(
        "leaking",
        "Thai Wikipedia shows the menu link on day 2 of its silent rollout of four, beside one that keeps its silence.",
        (_SILENT_TR, WikiSpec("thwiki", "th.wikipedia.org", "th", True, 2000, silent_days=4, leaks_from=1)),
        (_FULL,),
    ),
    Scenario(
        "silent",
        "Indonesian Wikipedia is visible and its clients send nothing, beside one that does.",
        (_SILENT_TR, _ID),
        (PolicyStep("idwiki", "pageview", 1.0, true_rate=0.0), _FULL),
    ),
    Scenario(
        "rollouts",
        "Four rollouts: one as declared, one that sends nothing, one at 25 % where 50 % is declared, and one whose "
        "menu link leaks on day 3.",
        (_SILENT_TR, _ID, _EN, WikiSpec("thwiki", "th.wikipedia.org", "th", True, 2000, silent_days=4, leaks_from=2)),
        (
            PolicyStep("idwiki", "pageview", 1.0, true_rate=0.0),
            PolicyStep("enwiki", "pageview", 0.5, true_rate=0.25),
            _FULL,
        ),
    ),
)

SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
