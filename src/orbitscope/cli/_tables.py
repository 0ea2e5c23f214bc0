"""Tables of forecasts on the terminal: numbers are whole at any width, names give way."""

from itertools import groupby

from .._text import plain

_LONGEST_LABEL, _NARROWEST_LABEL = 120, 12


def print_divergences(rows: list) -> None:
    """Rows of (orbit, forecaster, Divergence), those of one protocol in one table."""
    found = rows[0][2]
    last = len(found.mean) - 1
    shown = [k for k in ((1, 5, 10, 20, 30) if last <= 60 else (1, 10, 30, 100, 300)) if k < last] + [last]
    for protocol in dict.fromkeys(found.protocol for *_, found in rows):
        members = [row for row in rows if row[2].protocol == protocol]
        counts = sorted({found.count for *_, found in members})
        points = f"{counts[0]} initial points" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} initial points"
        table = _table(f"{protocol}, {points}", ("orbit", "forecaster"), (*map(str, shown), "ratio", "valid s"))
        for label, of_one in groupby(members, key=lambda row: row[0]):
            lines = [_divergence_cells(method, found, shown) for _, method, found in of_one]
            table.add_row(_label(label), *map("\n".join, zip(*lines, strict=True)))
        _print(table)
    _note(
        f"distance from the true path over RMS radius, by steps of {found.hop_s * 1000:.1f} ms; ratio: over that of"
        f" persistence after {last}, below 1 is worth something; valid: seconds until off by 0.4 radii, {last} steps at"
        " most"
    )


def _divergence_cells(method: str, found, shown: list[int]) -> list[str]:
    numbers = [*(found.scaled[k] for k in shown), found.relative[shown[-1]]]
    return [method, *map(_number, numbers), f"{found.valid_time_s():.2f}"]


def print_scores(found) -> None:
    """A :class:`orbitscope.scoreboard.Scores`, a table for each form."""
    for form in ("state", "displacement"):
        table = _table(f"NRMSE, {found.protocol}, {form}", ("",), (*map(str, found.horizons), "skill"))
        for name, values in found.nrmse.items():
            style = "dim" if name in found.controls else "bold"
            table.add_row(_label(name, style), *map(_number, values[form]), _number(found.skill_ratio(name, form)))
        _print(table)
    _note(
        f"by frames ahead, {len(found.starts)} initial points; skill: over the better of persistence and mean at 5 to"
        " 30 frames, below 1 is worth something"
    )


def _table(title: str, words: tuple[str, ...], numbers: tuple[str, ...]):
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), title=title, title_justify="left", title_style="italic")
    first, *others = words
    table.add_column(first, overflow="fold")  # the only one that gives way
    for head in others:
        table.add_column(head, no_wrap=True)
    for head in numbers:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _label(text: str, style: str = ""):
    from rich.text import Text

    return Text(plain(text, _LONGEST_LABEL), style=style)


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.2e}"


def _print(table) -> None:
    """As wide as the terminal, or as the numbers need beside some letters of the names."""
    from rich.console import Console

    console, (names, *_) = Console(highlight=False), table.columns
    names.max_width = _NARROWEST_LABEL
    console.width = max(console.width, console.measure(table, options=console.options.update(max_width=1000)).maximum)
    names.max_width = None
    console.print(table)
    console.print()


def _note(text: str) -> None:
    from rich.console import Console
    from rich.text import Text

    Console(highlight=False).print(Text(text, style="dim"))
