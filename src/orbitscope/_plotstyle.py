"""How every figure looks: type, colours, colour bars, and titles that are shown literally."""

from functools import cache

import matplotlib
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.ticker import MaxNLocator

from ._text import plain

STYLE = {
    "axes.edgecolor": "0.3",
    "axes.formatter.limits": (-3, 5),
    "axes.labelcolor": "0.15",
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "path.simplify": True,
    "svg.fonttype": "path",
    "svg.hashsalt": "orbitscope",  # the same figure gives the same bytes
    "text.usetex": False,
    "xtick.color": "0.3",
    "xtick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.color": "0.3",
    "ytick.labelsize": 7,
    "ytick.major.width": 0.6,
}

_OTHER_FONTS = ("Noto Sans CJK JP", "Noto Sans CJK SC", "Hiragino Sans", "PingFang SC", "Yu Gothic", "Microsoft YaHei")


def styled(draw):
    def styled(*args, **options):
        with matplotlib.rc_context(STYLE):
            return draw(*args, **options)

    styled.__name__, styled.__doc__, styled.__wrapped__ = draw.__name__, draw.__doc__, draw
    return styled


def color_bar(figure, mappable, label, **options):
    if "ax" in options:
        options = {"pad": 0.02, "aspect": 22, **options}
    bar = figure.colorbar(mappable, label=label, **options)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2)
    bar.locator = tick_locator(5)
    bar.update_ticks()


# Lines and words


def tick_locator(most, **options):
    return MaxNLocator(most, steps=[1, 2, 2.5, 5, 10], **options)


def set_title(ax, title, lines=1, **place):
    shown = "\n".join(showable(line) for line in title.split("\n")[-lines:])
    ax.set_title(shown, parse_math=False, fontfamily=["DejaVu Sans", *fallbacks(shown)], **place)


def showable(text, limit=60):
    """One line of ``text`` that the fonts at hand can show."""
    text = plain(text, limit)
    shown = set().union(glyphs("DejaVu Sans"), *map(glyphs, fallbacks(text)))
    return "".join(c if ord(c) in shown else "□" for c in text)


def fallbacks(text):
    """Installed fonts for what DejaVu Sans lacks; none, and quickly, for most texts."""
    if all(ord(c) in glyphs("DejaVu Sans") for c in text):
        return []
    return [name for name in _OTHER_FONTS if name in fontManager.get_font_names()]


@cache
def glyphs(family):
    return frozenset(get_font(fontManager.findfont(FontProperties(family=[family]))).get_charmap())
