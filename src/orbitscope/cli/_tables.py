"""Tables of forecasts on the terminal."""

from .._text import plain


def _rich():
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    return Console, Table, Text


def print_divergences(rows: list) -> None:
    """Rows of (orbit, forecaster, Divergence)."""
    Console, Table, Text = _rich()
    title = "distance from the true path over RMS radius, by steps; over that of persistence; valid prediction time"
    table = Table(box=None, padding=(0, 2, 0, 0), title=title, title_justify="left")
    last = len(rows[0][2].mean) - 1
    shown = [k for k in (1, 5, 10, 20, 30, 100) if k < last] + [last]
    for i, head in enumerate(("orbit", "forecaster", "protocol", *map(str, shown), "relative", "valid (s)")):
        table.add_column(head, justify="left" if i < 3 else "right", no_wrap=True)
    for label, method, found in rows:
        numbers = [f"{found.scaled[k]:.3f}" for k in shown]
        numbers += [f"{found.relative[last]:.3f}", f"{found.valid_time_s():.2f}"]
        table.add_row(Text(plain(label, 24)), method, found.protocol, *numbers)
    console = Console(highlight=False)
    console.print(table)
    counts = ", ".join(sorted({f"{found.count} ({found.protocol})" for _, _, found in rows}))
    console.print(Text(f"initial points: {counts}; a step is {rows[0][2].hop_s * 1000:.1f} ms", style="dim"))


def print_scores(found) -> None:
    Console, Table, Text = _rich()
    for form in ("state", "displacement"):
        title = f"NRMSE, {found.protocol}, {form}, by frames ahead"
        table = Table(box=None, padding=(0, 2, 0, 0), title=title, title_justify="left")
        for head in ("", *map(str, found.horizons), "skill"):
            table.add_column(head, justify="right" if head else "left", no_wrap=True)
        for name, values in found.nrmse.items():
            style = "dim" if name in found.controls else "bold"
            cells = [f"{v:.3f}" for v in values[form]] + [f"{found.skill_ratio(name, form):.2f}"]
            table.add_row(Text(plain(name), style=style), *cells)
        Console(highlight=False).print(table)
    line = f"{len(found.starts)} initial points; skill: over the better of persistence and mean at 5 to 30 frames"
    Console(highlight=False).print(Text(f"{line}, below 1 is worth something", style="dim"))
