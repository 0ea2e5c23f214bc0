"""A study for reading: one page with the verdicts and figures, and the same as Markdown."""

import base64
from collections.abc import Iterator
from html import escape

import numpy as np

from ._atomic import replace
from ._json import to_bytes
from ._study_figures import draw
from ._study_tables import tables, to_csv
from .claims import FAILS, HOLDS, HORIZONS, OPEN, Claim, Finding
from .study import Study

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --soft: #63636b; --ground: #fff; --line: #dcdce2; --good: #1d7a46;
  --bad: #b3261e; --open: #8a6100 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8ec; --soft: #a0a0aa; --ground: #16161a; --line: #36363e;
  --good: #6fd39b; --bad: #ff8a80; --open: #f0c050 } }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--ground); margin: 0 auto;
  max-width: 62rem; padding: 2rem 1.2rem 5rem }
h1 { font-size: 1.9rem; line-height: 1.2 } h2 { margin-top: 2.6rem; font-size: 1.3rem }
p, li { max-width: 46rem } small, .soft { color: var(--soft) }
table { border-collapse: collapse; font-size: .86rem; display: block; overflow-x: auto }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .7rem .3rem 0; text-align: left; vertical-align: top }
td:first-child:not(.n) { min-width: 11rem } th.n { text-align: right }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.holds { color: var(--good) } .fails { color: var(--bad) } .open { color: var(--open) } b.sig { font-weight: 700 }
figure { margin: 1.4rem 0 } img { max-width: 100%; background: #fff; border-radius: 4px }
figcaption { font-size: .86rem; color: var(--soft) } details { margin: .8rem 0 } summary { cursor: pointer }
"""
_CLASS = {"holds": "holds", "does not hold": "fails", "undecided": "open"}


def write_study(study: Study) -> None:
    """Write figures, tables and the page of a study into its folder.

    Raises
    ------
    StoreError
        A file cannot be written.
    """
    for name, rows in tables(study).items():
        replace(study.path / f"{name}.csv", to_csv(rows))
    verdicts = {"claims": [claim.to_dict() for claim in study.claims], "failed": study.failed}
    replace(study.path / "claims.json", to_bytes(verdicts, indent=1))
    figures = draw(study)
    replace(study.path / "study.md", _markdown(study, figures).encode())
    replace(study.page, _html(study, figures).encode())


def _html(study: Study, figures: dict) -> str:
    parts = [f"<h1>{escape(_title(study))}</h1>", f"<p>{escape(_method(study))}</p>"]
    rows = "".join(
        f"<tr><td class=n>{c.number}</td><td>{escape(c.statement)}</td><td>{_badge(c.outcome)}</td></tr>"
        for c in study.claims
    )
    parts.append(f"<table><tr><th></th><th>the article says</th><th>here</th></tr>{rows}</table>")
    if study.failed:
        reasons = "".join(f"<li>{escape(line)}</li>" for line in study.not_measured)
        parts.append(f"<p class=fails>Not measured:</p><ul>{reasons}</ul>")
    parts += [_claim_html(claim) for claim in study.claims]
    titles = {song.name: song.title for song in study.songs}
    for song, made in figures.items():
        parts.append(f"<h2>{escape(titles[song])}</h2>")
        for file, caption in made:
            data = base64.b64encode((study.path / "figures" / file).read_bytes()).decode()
            parts.append(
                f'<figure><img alt="{escape(caption, quote=True)}" src="data:image/png;base64,{data}">'
                f"<figcaption>{escape(caption)}</figcaption></figure>"
            )
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><title>{escape(_title(study))}</title>'
        f"<style>{_STYLE}</style><main>{''.join(parts)}</main></html>\n"
    )


def _claim_html(claim: Claim) -> str:
    parts = [f"<h2>Claim {claim.number}. {escape(claim.statement)}</h2>", f"<p>{_badge(claim.outcome)}</p>"]
    if claim.note:
        parts.append(f"<p class=soft>{escape(claim.note)}</p>")
    if lines := _in_words(claim):
        parts.append(f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>")
    for heads, findings in _grouped(claim):
        unit = findings[0].unit
        head = "<th>setting</th><th>outcome</th>"
        head += "".join(f"<th class=n>{escape(_head(h, unit))}</th>" for h in heads)
        body = ""
        for finding in findings:
            cells = "".join(f"<td class=n>{_effect_html(e, unit)}</td>" for e in finding.effects.values())
            body += f"<tr><td>{escape(finding.setting)}</td><td>{_badge(finding.outcome)}</td>{cells}</tr>"
        parts.append(f"<table><tr>{head}</tr>{body}</table>")
    tests = sorted({finding.test for finding in claim.findings})
    if tests:
        parts.append(f"<p><small>Mean, [95 % interval], p. Tested by: {escape('; '.join(tests))}.</small></p>")
    return "".join(parts)


def _in_words(claim: Claim) -> list[str]:
    """Where the claim holds, where it does not, and where that cannot be said; nothing if all findings agree."""
    found: dict[str, list[str]] = {}
    for finding in claim.findings:
        found.setdefault(finding.outcome, []).append(finding.setting)
    if len(found) < 2:
        return []
    return [f"{kind.capitalize()}: {'; '.join(found[kind])}." for kind in (HOLDS, FAILS, OPEN) if kind in found]


def _head(name: str, unit: str) -> str:
    return f"k = {name} ({unit})" if name.isdigit() else f"{name} ({unit})"


def _grouped(claim: Claim) -> Iterator[tuple[list[str], list[Finding]]]:
    """Findings with the same columns and unit together."""
    groups: dict[tuple, list[Finding]] = {}
    for finding in claim.findings:
        groups.setdefault((finding.unit, *finding.effects), []).append(finding)
    for (_, *heads), findings in groups.items():
        yield heads, findings


def _effect_html(effect, unit: str) -> str:
    tag = "b" if effect.significant else "span"
    beside = f"<small>{_interval(effect, unit)}<br>p {_p(effect.p)}</small>"
    return f"<{tag}>{_number(effect.estimate, unit)}</{tag}><br>{beside}"


def _number(value: float, unit: str) -> str:
    return "–" if not np.isfinite(value) else f"{value:+.1f}" if unit in ("%", "°") else f"{value:+.3f}"


def _interval(effect, unit: str) -> str:
    return f"[{_number(effect.low, unit)}, {_number(effect.high, unit)}]"


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _badge(outcome: str) -> str:
    return f'<span class="{_CLASS.get(outcome, "open")}">{escape(outcome)}</span>'


def _markdown(study: Study, figures: dict) -> str:
    lines = [
        f"# {_md(_title(study))}",
        "",
        _md(_method(study)),
        "",
        "| | the article says | here |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {c.number} | {_md(c.statement)} | **{c.outcome}** |" for c in study.claims]
    lines += ["", *(f"- Not measured: {_md(line)}" for line in study.not_measured)]
    for claim in study.claims:
        lines += [
            "",
            f"## Claim {claim.number}. {_md(claim.statement)}",
            "",
            f"**{claim.outcome}.** {_md(claim.note)}",
            "",
        ]
        lines += [*(f"- {_md(line)}" for line in _in_words(claim)), ""]
        for heads, findings in _grouped(claim):
            unit = findings[0].unit
            lines.append(f"| setting | outcome | {' | '.join(_md(_head(h, unit)) for h in heads)} |")
            lines.append("| --- " * (len(heads) + 2) + "|")
            for f in findings:
                cells = [_number(e.estimate, unit) + ("\\*" if e.significant else "") for e in f.effects.values()]
                lines.append(f"| {_md(f.setting)} | {f.outcome} | {' | '.join(cells)} |")
            lines.append("")
        if tests := sorted({f.test for f in claim.findings}):
            lines.append(f"\\* p < 0.05. Tested by: {'; '.join(tests)}.")
    for song, made in figures.items():
        lines += ["", f"## {_md(song)}", ""]
        lines += [
            f"![{_md(caption)}](figures/{file.replace(' ', '%20')})\n\n{_md(caption)}\n" for file, caption in made
        ]
    return "\n".join(lines) + "\n"


def _md(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\`*_[]<>|" else c for c in text)


def _title(study: Study) -> str:
    count = len(study.songs)
    return f"The article's claims on {study.songs[0].title if count == 1 else f'{count} recordings'}"


def _method(study: Study) -> str:
    plan = study.plan
    songs = ", ".join(s.title for s in study.songs)
    stretch = f", the first {plan.duration_s:g} s" if plan.duration_s else ""
    if plan.start_s:
        length = f"{plan.duration_s:g} s " if plan.duration_s else ""
        stretch = f", {length}from {plan.start_s:g} s on"
    windows = ", ".join(f"{w:g}" for w in plan.windows_s)
    return (
        f"{songs}{stretch}. R is a pure autoencoder, R-F is conditioned on forecasts (preset {plan.preset}, curvature"
        f" weight 0). Dimensions {', '.join(map(str, plan.dims))}; windows of {windows} s; {plan.seeds} seeds of each."
        f" Forecasts of {plan.horizon} steps from every {plan.every}th point; horizons tested:"
        f" {', '.join(map(str, HORIZONS))}. article: the published protocol, with its faults. leak-free: what lies"
        " within window + steps of an initial point is not known. held out: encoder and forecaster know the first"
        " 70 % alone."
    )
