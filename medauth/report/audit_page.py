"""An audit as one HTML page that needs nothing beside it and runs nothing: what it came to, faults, figures, how to repeat.

Every text in it is escaped; a policy in the page itself forbids scripts and requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape

from medauth.evidence.verifier import CheckedStep, StepState
from medauth.report.audit_report import FORMAT, AuditRun
from medauth.service.log_audit import LogReport

_DEPTHS = {
    "quick": "Quick: stored bytes, key, signature, leaf and place in the log of every record. Verdicts were not decided "
    "again, columns and sealed files not compared; <code>medauth audit --all</code> does both.",
    "full": "Full: stored bytes, key, signature, statement, challenge, the verdict decided again, leaf, place in the log, "
    "the mirror's columns and the sealed files of every record.",
}
_MARKS = {StepState.HOLDS: "✓ holds", StepState.FAILS: "✗ fails", StepState.SKIPPED: "– skipped"}


def html_page(run: AuditRun) -> str:
    """The report as a page."""
    verdict = _verdict(run)
    sections = [_summary(run, verdict), _faults(run), *(_log(log) for log in run.logs), _repeat(run)]
    return _PAGE.format(title=escape(f"medauth audit: {verdict}"), body="\n".join(sections), format=escape(FORMAT))


def _verdict(run: AuditRun) -> str:
    count = run.fault_count
    return "All holds" if not count else f"{count:,} fault{'s' if count > 1 else ''}"


def _summary(run: AuditRun, verdict: str) -> str:
    began = datetime.fromtimestamp(run.began_ms / 1_000, UTC)
    covered = sum(log.covered for log in run.logs)
    share = f"{100 * covered / run.leaves:.0f} %" if run.leaves else "–"
    cards = (
        (f"{run.leaves:,}", f"records in {len(run.logs)} log{'s' if len(run.logs) != 1 else ''}"),
        (share, "under a checkpoint whose root was rebuilt"),
        (f"{run.fault_count:,}", "faults"),
        (f"{run.records_per_s:,}", f"records a second, {run.processes} process{'es' if run.processes != 1 else ''}"),
        (str(run.exit_code), "exit code"),
    )
    first = run.first_divergent_record
    named = f"<p>First divergent record: <code>{escape(first)}</code></p>" if first else ""
    chain = (
        "" if run.chain_asked else "<p>The chain was not asked: nothing here shows that checkpoints were anchored.</p>"
    )
    mark, state = ("✗", "fails") if run.fault_count else ("✓", "holds")
    return (
        f'<header class="{state}"><h1><span aria-hidden="true">{mark}</span> {escape(verdict)}</h1>'
        f"<p>{began:%d %B %Y, %H:%M:%S} UTC · took {run.seconds:,.1f} s · medauth {escape(run.version)}</p>"
        f"{named}{chain}</header>\n"
        f'<ul class="cards">{"".join(f"<li><b>{value}</b>{escape(name)}</li>" for value, name in cards)}</ul>'
    )


def _faults(run: AuditRun) -> str:
    if not run.fault_count:
        return ""
    rows = [
        f"<tr><td><code>{escape(found.subject)}</code></td><td>{found.exit_code} {escape(fault.name)}</td>"
        f"<td>{escape(fault.text)}</td></tr>"
        for found in run.faults
        if (fault := found.fault) is not None
    ]
    left = run.fault_count - len(rows)
    more = f"<p>{left:,} more were counted.</p>" if left else ""
    head = "<tr><th>where</th><th>code</th><th>what</th></tr>"
    return f'<section><h2>Faults</h2><table class="faults">{head}{"".join(rows)}</table>{more}</section>'


def _log(log: LogReport) -> str:
    tally = log.tally
    facts = {
        "leaves": f"{log.size:,}, {log.covered:,} of them under {log.checkpoints:,} checkpoints",
        "root over all leaves": f"<code>{log.root.hex()}</code>" if log.root else "cannot be rebuilt",
        "erased": f"{log.erased:,}",
        "started without verdict": f"{log.dropped:,}, {tally.overdue:,} of them still open past their time",
        "people and clients": f"{tally.subjects:,} subjects, {tally.clients:,} clients; at most "
        f"{tally.most_dropped_by_a_subject:,} checks dropped by one subject, {tally.most_dropped_by_a_client:,} by one "
        "client",
    }
    kinds = [(kind.value, number) for kind, number in log.kinds.items()]
    states = [(state.value, number) for state, number in tally.states.items()]
    return (
        f"<section><h2>Log {escape(log.log)}</h2>\n{_steps(log.steps)}\n"
        f'<div class="figures">{_bars("Records by kind", kinds)}{_bars("Checks by state", states)}</div>\n'
        f"{_facts(facts)}</section>"
    )


def _repeat(run: AuditRun) -> str:
    first = run.first_divergent_record
    commands = [("the same audit again", run.command)]
    if first:
        commands.append(("the first divergent record, step by step", f"medauth audit {first}"))
    commands += [
        ("what a stranger needs: keys, contracts, checkpoints", "medauth trust --out trust.json"),
        ("one record as a file, and its check without the operator", "medauth bundle RECORD --out bundle.json"),
        ("", "medauth verify bundle.json --trust trust.json --rpc URL"),
    ]
    lines = (f"{f'<i># {escape(why)}</i>{chr(10)}' if why else ''}{escape(command)}" for why, command in commands)
    return (
        f"<section><h2>What was looked at, and how to repeat it</h2><p>{_DEPTHS[run.depth]}</p>"
        "<p>Every tree node was hashed anew from the leaves, every checkpoint's root compared with it"
        f"{', and checkpoints and chain held against each other in both directions' if run.chain_asked else ''}. "
        "A log cut off behind its last checkpoint looks whole to any audit: the receipts of its starts say otherwise "
        "(<code>medauth audit --receipt FILE</code>).</p>"
        f"<pre>{chr(10).join(lines)}</pre></section>"
    )


def _bars(title: str, numbers: Sequence[tuple[str, int]]) -> str:
    """A line for each that occurs, as long as its share of the largest."""
    shown = [(name, number) for name, number in numbers if number]
    largest = max((number for _, number in shown), default=1)
    rows = "".join(
        f'<tr><th>{escape(name)}</th><td><i style="width:{max(1, 100 * number // largest)}%"></i></td>'
        f"<td>{number:,}</td></tr>"
        for name, number in shown
    )
    return f'<table class="bars"><caption>{escape(title)}</caption>{rows or "<tr><td>none</td></tr>"}</table>'


def _facts(facts: Mapping[str, str]) -> str:
    """Values are HTML already."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in facts.items()) + "</dl>"


def _steps(steps: Iterable[CheckedStep]) -> str:
    rows = (
        f'<tr><td>{escape(s.name)}</td><td class="{s.state.value}">{_MARKS[s.state]}</td><td>{escape(s.text)}</td></tr>'
        for s in steps
    )
    return f"<table><tr><th>step</th><th>state</th><th>says</th></tr>{''.join(rows)}</table>"


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; --quiet: #59636e; --line: #8884; --soft: #8881; }}
@media (prefers-color-scheme: dark) {{ :root {{ --good: #3fb950; --bad: #ff7b72; --quiet: #9198a1; }} }}
* {{ box-sizing: border-box; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 0 auto; padding: 2rem 1.25rem; }}
header {{ border-left: .4rem solid currentColor; padding: .4rem 0 .4rem 1.2rem; }}
header p {{ color: var(--quiet); margin: .2rem 0 0; }} header code {{ color: var(--bad); }}
h1 {{ font-size: 2rem; line-height: 1.2; margin: 0; }} h2 {{ font-size: 1.25rem; margin: 0 0 .6rem; }}
section {{ margin-top: 2.5rem; }}
.holds {{ color: var(--good); }} .fails {{ color: var(--bad); }} .skipped {{ color: var(--quiet); }}
.cards {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .8rem; list-style: none;
  margin: 1.5rem 0 0; padding: 0; }}
.cards li {{ background: var(--soft); border-radius: .5rem; padding: .8rem 1rem; color: var(--quiet); font-size: .85rem;
  line-height: 1.35; }}
.cards b {{ display: block; font-size: 1.5rem; color: CanvasText; font-variant-numeric: tabular-nums; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.5rem; margin: 1rem 0 0; }}
dt {{ color: var(--quiet); }} dd {{ margin: 0; overflow-wrap: anywhere; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .4rem 1rem .4rem 0; border-top: 1px solid var(--line); }}
tr:first-child > * {{ border-top: 0; }}
th {{ color: var(--quiet); font-weight: normal; }} td {{ overflow-wrap: anywhere; }}
td:nth-child(2) {{ white-space: nowrap; }} td:first-child {{ white-space: nowrap; }}
.faults td:first-child {{ white-space: normal; min-width: 9rem; }}
.figures {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 0 2.5rem; margin-top: 1rem; }}
.bars {{ align-self: start; }} .bars caption {{ text-align: left; color: var(--quiet); padding-bottom: .2rem; }}
.bars th, .bars td {{ border: 0; padding: .15rem .8rem .15rem 0; vertical-align: middle; width: 1%; white-space: nowrap; }}
.bars td:nth-child(2) {{ width: 60%; }} .bars td:last-child {{ text-align: right; font-variant-numeric: tabular-nums; }}
.bars i {{ display: block; height: .7rem; border-radius: .2rem; background: #4c8dd6; }}
code, pre {{ font: .875em/1.6 ui-monospace, monospace; }}
pre {{ background: var(--soft); border-radius: .5rem; padding: 1rem; overflow-x: auto; }} pre i {{ color: var(--quiet); }}
footer {{ margin-top: 3rem; color: var(--quiet); font-size: .85rem; }}
@media (max-width: 34rem) {{ dl {{ grid-template-columns: 1fr; gap: 0; }} dd {{ margin-bottom: .6rem; }} }}
</style>
</head>
<body>
{body}
<footer>{format}. Names no person: identifiers of records, digests and numbers alone.</footer>
</body>
</html>
"""
