"""Rows of an attack matrix to its tables: whole checks, each cue alone, each cue left out, natural people.

Every share counts independent people: intervals draw whole persons with replacement, and where a share is 0 or 1, which no
draw can move, Wilson's interval over the persons stands in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from medauth.evaluation.attacks import plan
from medauth.evaluation.attacks.cue_film import NO_CUES, granted
from medauth.evaluation.attacks.cue_tries import tries_table
from medauth.evaluation.attacks.species import NOT_COVERED, SPECIES
from medauth.evaluation.metrics import Trials, area_under_curve, resampled, threshold_at_bpcer, wilson_rate
from medauth.protocol.ceremony import StepOutcome
from medauth.protocol.policy import Policy
from medauth.protocol.reading import PPM, Outcome, SignalReading
from medauth.protocol.verdict import Decision, decide

Row = Mapping[str, Any]
BPCER_TARGET = 0.10
CLAIMED = 0.07
"""The share of missed attacks that may be claimed, where enough people stand behind it."""
LEAST_PEOPLE = 50
"""With fewer, not even no miss at all bounds the share by that: Wilson's interval of 0 of 50 ends at 7.1 %."""
ALL_STEPS = "all steps of a check"
_DRIVEN = frozenset({"photo_animated", "wrong_light"})
"""Species in which nothing but the driver answers the prompts, at an honest pace."""


def tables(rows: Sequence[Row], policy: Policy) -> dict[str, Any]:
    """Everything the report shows, as JSON."""
    whole = [row for row in rows if row["part"] == plan.WHOLE]
    films = [row for row in rows if row["part"] == plan.CUE]
    natural = [row for row in rows if row["part"] == plan.NATURAL]
    cues = _cues([*films, *natural, *whole], policy)
    judging = [cue for cue in cues if _judges([*films, *natural], cue)]
    return {
        "policy": {"name": policy.name, "version": policy.version, "deny": list(policy.deny)},
        "cues": {cue: "denies" if cue in policy.deny else "told" for cue in judging},
        "only_in_whole_checks": [cue for cue in cues if cue not in judging],
        "granted": sorted(granted(policy)),
        "whole": {name: _whole(found, policy) for name, found in _by_species(whole).items()},
        "alone": {name: _alone(found, judging) for name, found in _by_species(films).items()},
        "scored": {cue: _scored(films, cue) for cue in cues if _has_scores(films, cue)},
        "driver": _driver(row for row in whole if row["species"] in _DRIVEN),
        "left_out": {name: _left_out(found, judging, policy) for name, found in _by_species(films).items()},
        "whole_left_out": {name: _whole_left_out(found, policy) for name, found in _by_species(whole).items()},
        "natural": _natural(natural, judging),
        "loop": _loops(row for row in rows if row["part"] == plan.LOOP),
        "forgery": _forged([row["tries"] for row in rows if row["part"] == plan.FORGERY]),
        "tamper": dict(sum((Counter(row["tries"]) for row in rows if row["part"] == plan.TAMPER), Counter())),
        "clocks": tries_table([row["tries"] for row in rows if row["part"] == plan.CLOCKS]),
        "colours": tries_table([row["tries"] for row in rows if row["part"] == plan.COLOURS]),
        "unusable": sum(row["part"] == "unusable" for row in rows),
        "not_covered": dict(NOT_COVERED),
    }


def _forged(found: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """How often each kind of forgery ended how."""
    ended: dict[str, Counter[str]] = {}
    for tries in found:
        for name, counts in tries.items():
            ended.setdefault(name, Counter()).update(counts)
    return {name: dict(counts) for name, counts in ended.items()}


def share(flags: Iterable[bool], people: Iterable[str]) -> dict[str, Any]:
    """A share with its interval over persons."""
    hits, groups = np.array(list(flags), bool), np.array(list(people), str)
    names = np.unique(groups)
    count, n = int(hits.sum()), len(hits)
    if n == 0:
        return {"value": None, "hits": 0, "n": 0, "people": 0, "interval95": None}
    if count in (0, n):
        rate = wilson_rate(0 if count == 0 else len(names), len(names))
        interval: list[float] | None = rate.interval()
    elif len(names) == n:
        interval = wilson_rate(count, n).interval()
    else:
        trials = Trials(hits.astype(np.float64), np.ones(n, bool), groups, groups)
        interval = resampled(trials, lambda drawn: float(drawn.scores.mean()))
    return {"value": round(count / n, 4), "hits": count, "n": n, "people": len(names), "interval95": interval}


def _whole(rows: Sequence[Row], policy: Policy) -> dict[str, Any]:
    """One species in whole checks: accepted (APCER), left unclear (APNRR), all steps answered, and who refused."""
    people = [row["person"] for row in rows]
    refused = [row for row in rows if row["decision"] == Decision.NOT_LIVE.value]
    return {
        "accepted": share((row["decision"] == Decision.LIVE.value for row in rows), people),
        "inconclusive": share((row["decision"] == Decision.INCONCLUSIVE.value for row in rows), people),
        "answered": share((_passed(row, "challenge") for row in rows), people),
        "accepted_if_granted": share((_granted_decision(row, policy) is Decision.LIVE for row in rows), people),
        "caught_by": dict(Counter(r["code"] for row in refused for r in row["reasons"]).most_common()),
        "unclear": dict(
            Counter(
                r["code"] for row in rows if row["decision"] == Decision.INCONCLUSIVE.value for r in row["reasons"]
            ).most_common()
        ),
        "variants": {
            name: dict(Counter(row["decision"] for row in rows if row["variant"] == name).most_common())
            for name in sorted({row["variant"] for row in rows} - {""})
        },
    }


def _granted_decision(row: Row, policy: Policy) -> Decision:
    """The verdict had gestures, confirmations and light held."""
    return _decision(row, policy, granted(policy))


def _decision(row: Row, policy: Policy, held: Collection[str]) -> Decision:
    """The verdict had these cues held."""
    readings = [_reading(name, found) for name, found in row["readings"].items() if name not in held]
    readings += [SignalReading(name, Outcome.PASS, f"{name}.held", "") for name in sorted(held)]
    return decide(policy, readings)[0]


def _whole_left_out(rows: Sequence[Row], policy: Policy) -> dict[str, Any]:
    """How many checks of a species end *live*; how many would if each cue of the policy were left out (taken to hold); and
    how many that cue refused, alone or with others."""
    people = [row["person"] for row in rows]

    def live(held: Collection[str]) -> dict[str, Any]:
        return share((_decision(row, policy, held) is Decision.LIVE for row in rows), people)

    cues = list(dict.fromkeys(policy.confirm + policy.deny))
    return {
        "all": live(()),
        "without": {cue: live((cue,)) for cue in cues},
        "refused": {cue: share((_failed(row, cue) for row in rows), people) for cue in cues},
    }


def _alone(rows: Sequence[Row], cues: Sequence[str]) -> dict[str, Any]:
    """One species before each cue: missed (APCER), and of those not judged at all."""
    return {cue: _cue(rows, cue) for cue in cues}


def _cue(rows: Sequence[Row], cue: str) -> dict[str, Any]:
    seen = [row for row in rows if cue in row["readings"]]
    people = [row["person"] for row in seen]
    outcomes = [row["readings"][cue]["outcome"] for row in seen]
    return {
        "missed": share((outcome != Outcome.FAIL.value for outcome in outcomes), people),
        "not_judged": share((outcome == Outcome.INCONCLUSIVE.value for outcome in outcomes), people),
    }


def _scored(rows: Sequence[Row], cue: str) -> dict[str, Any]:
    """A cue with scores at the threshold at which it calls a tenth of the stand-ins for people attacks."""
    scored = [row for row in rows if row["readings"].get(cue, {}).get("score_ppm") is not None]
    trials = Trials(
        scores=np.array([row["readings"][cue]["score_ppm"] / PPM for row in scored], np.float64),
        attack=np.array([row["species"] != plan.BONA_FIDE for row in scored], bool),
        species=np.array([row["species"] for row in scored], str),
        groups=np.array([row["person"] for row in scored], str),
    )
    if not trials.separable:
        return {}
    found: dict[str, Any] = {"bona_fide": int((~trials.attack).sum()), "species": {}}
    for name in sorted({str(s) for s in trials.species} - {plan.BONA_FIDE}):
        part = trials.select(~trials.attack | (trials.species == name))
        missed = _missed_at(part)
        people = len(np.unique(part.groups[part.attack]))
        # A score that never refused one of them at the shipped threshold follows how the films were made.
        refuses = any(row["species"] == name and _failed(row, cue) for row in scored)
        # Where none or all are missed, no draw of persons says how far off that may be.
        surely = wilson_rate(round(missed * people), people).interval() if missed in (0.0, 1.0) else None
        interval = surely or resampled(part, _missed_at)
        found["species"][name] = {
            "auc": round(area_under_curve(part.scores, part.attack), 4),
            "apcer": round(missed, 4),
            "interval95": interval,
            "people": people,
            "threshold": round(threshold_at_bpcer(part.scores, part.attack, BPCER_TARGET), 6),
            "claim": refuses and interval is not None and interval[1] <= CLAIMED and people >= LEAST_PEOPLE,
        }
    return found


def _missed_at(part: Trials) -> float:
    if not part.separable:
        return float("nan")
    threshold = threshold_at_bpcer(part.scores, part.attack, BPCER_TARGET)
    return float((part.scores[part.attack] < threshold).mean())


def _left_out(rows: Sequence[Row], cues: Sequence[str], policy: Policy) -> dict[str, Any]:
    """How many films no denying cue refuses; how many when each is left out; when those that are told denied too."""
    people = [row["person"] for row in rows]

    def passing(chosen: Iterable[str]) -> dict[str, Any]:
        asked = list(chosen)
        return share((not any(_failed(row, cue) for cue in asked) for row in rows), people)

    denying = [cue for cue in cues if cue in policy.deny]
    return {
        "all": passing(denying),
        "without": {cue: passing(c for c in denying if c != cue) for cue in denying},
        "with_told": passing(cues),
    }


def _natural(rows: Sequence[Row], cues: Sequence[str]) -> dict[str, Any]:
    """BPCER of each cue on real clips, by how they were shown."""
    conditions: dict[str, Callable[[Row], bool]] = {"all": lambda _: True}
    for name in sorted({row["variant"] for row in rows}):
        conditions[name] = lambda row, name=name: row["variant"] == name  # type: ignore[misc]
    found = {}
    for name, belongs in conditions.items():
        part = [row for row in rows if belongs(row)]
        people = [row["person"] for row in part]
        found[name] = {cue: share((_failed(row, cue) for row in part), people) for cue in cues} if part else {}
    return found


def _driver(rows: Iterable[Row]) -> dict[str, Any]:
    """How often the driver's steps were answered, by action, and all of a check's: how good an actor it is before the real
    mesh."""
    asked: dict[str, list[tuple[bool, str]]] = {}
    for row in rows:
        asked.setdefault(ALL_STEPS, []).append((_passed(row, "challenge"), row["person"]))
        for action, outcome in row["steps"]:
            asked.setdefault(action, []).append((outcome == StepOutcome.ANSWERED.value, row["person"]))
    return {name: share((a for a, _ in found), (p for _, p in found)) for name, found in sorted(asked.items())}


def _loops(rows: Iterable[Row]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in rows:
        entry = found.setdefault(row["species"], {"checks": 0, "passed": 0, "codes": Counter(), "most_answered": 0})
        entry["checks"] += row["checks"]
        entry["passed"] += row["passed"]
        entry["codes"] += Counter(row["codes"])
        # Rows of before the film was shown to the injection signal have no word of it.
        entry["unrefused"] = entry.get("unrefused", 0) + row.get("unrefused", row["passed"])
        entry["injection"] = entry.get("injection", Counter()) + Counter(row.get("injection", {}))
        entry["most_answered"] = max(entry["most_answered"], row["most_answered"])
        entry["steps"] = row["steps"]
    for entry in found.values():
        entry["codes"] = dict(entry["codes"].most_common())
        entry["injection"] = dict(entry["injection"].most_common())
        entry["interval95"] = wilson_rate(entry["passed"], entry["checks"]).interval()
    return found


def _by_species(rows: Sequence[Row]) -> dict[str, list[Row]]:
    order = [*SPECIES, plan.BONA_FIDE]
    return {name: found for name in order if (found := [row for row in rows if row["species"] == name])}


def _cues(rows: Sequence[Row], policy: Policy) -> list[str]:
    """Detection cues that gave readings: the denying ones first, then those that are only told."""
    seen = dict.fromkeys(name for row in rows for name in row["readings"])
    chosen = [name for name in seen if name not in granted(policy) and name not in NO_CUES]
    return sorted(chosen, key=lambda name: (name not in policy.deny, name))


def _judges(rows: Sequence[Row], cue: str) -> bool:
    """Whether a cue can say anything of a film alone: the memory of earlier checks cannot."""
    unclear = Outcome.INCONCLUSIVE.value
    return any(row["readings"].get(cue, {}).get("outcome", unclear) != unclear for row in rows)


def _has_scores(rows: Sequence[Row], cue: str) -> bool:
    """Whether a cue grades what it sees; yes and no alone are no scores."""
    values = {row["readings"].get(cue, {}).get("score_ppm") for row in rows} - {None, 0, PPM}
    return len(values) > 5  # noqa: PLR2004


def _passed(row: Row, cue: str) -> bool:
    return bool(row["readings"].get(cue, {}).get("outcome") == Outcome.PASS.value)


def _failed(row: Row, cue: str) -> bool:
    return bool(row["readings"].get(cue, {}).get("outcome") == Outcome.FAIL.value)


def _reading(name: str, found: Mapping[str, Any]) -> SignalReading:
    return SignalReading(name, Outcome(found["outcome"]), found["code"], "", found["score_ppm"])
