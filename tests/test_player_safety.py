"""What comes from files is shown by the page and never run: not in a browser, not in a notebook."""

import base64
import hashlib
from dataclasses import replace

import numpy as np
import pytest
from pages import HOP_S, Page, array, trajectory, with_sound

from orbitscope import store
from orbitscope.player import player_html, write_player
from orbitscope.scenes import bare_scene
from orbitscope.types import Forecast, Orbit

# What it may do


def test_the_policy_lets_nothing_run_but_the_page_itself():
    page = Page(player_html([bare_scene(trajectory())]))
    (policy,) = [one["content"] for one in page.attributes if one.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules.pop("default-src") == "'none'"
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        (code,) = [
            text
            for name, has, text in zip(page.tags, page.attributes, page.texts, strict=True)
            if name == tag and "type" not in has
        ]
        assert rules.pop(rule) == f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"
    allowed = {"img-src": "data: blob:", "media-src": "blob:", "base-uri": "'none'", "form-action": "'none'"}
    assert rules == allowed
    assert page.tags.index("meta") < page.tags.index("style") < page.tags.index("script")
    assert not any(name.startswith("on") or name in ("src", "href") for has in page.attributes for name in has)


HOSTILE = {
    "a script's end": "</script><img src=x onerror=alert(1)>",
    "a title's end": "</title><script>alert(1)</script>",
    "a comment": "<!-- <script> -->",
    "half a comment": "<!--<script",
    "quotes": '"\'`\\"; alert(1); \\u003c',
    "entities": "&lt;b&gt; &amp;amp; &#x41;",
    "places": "%%SOUND%% %%DATA%% %%TITLE%% \\1 \\g<0> {} $& $`",
    "the world": "Café 東京 🎵 e\u0301",
    "very long": "<b>" * 60,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_shown_and_not_run(tmp_path, text):
    scene = with_sound(tmp_path / "a.m4a", 5)
    forecast = Forecast(np.zeros((4, 3)), 5, 0.4, HOP_S, text[:40], text)
    harmless = Page(player_html([replace(scene, title="x", artist="x", name="x", forecasts=(forecast,))]))
    scene = replace(scene, title=text, artist=text, name=text[:80], forecasts=(forecast,))
    page = Page(player_html([scene]))
    assert (page.tags, page.comments) == (harmless.tags, [])
    assert page.text("title") == text == page.texts[page.tags.index("p")]
    assert (page.data["title"], page.data["artist"]) == (text, text)
    (orbit,) = page.data["orbits"]
    assert orbit["name"] == text[:80].rstrip() or orbit["name"].endswith("…")
    assert orbit["forecasts"][0]["name"] == text[:40].rstrip()
    assert base64.b64decode(page.text("script", id="sound")) == b"sound"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u2028b\u2029c", "a b c"),
        ("abc\u202ecba\u2066", "abccba"),
        ("\x1b[31mred\x00\x07", "red"),
        ("a \udcff b\ud800", "a b"),
        ("line\nbreak\t\r\n", "line break"),
        ("x" * 100_000, "x" * 199 + "…"),
    ],
)
def test_what_would_steer_a_page_or_a_line_is_left_out(text, shown):
    forecast = Forecast(np.zeros((4, 3)), 5, 0.4, HOP_S, text, text)
    page = Page(player_html([replace(bare_scene(trajectory()), title=text, artist=text, forecasts=(forecast,))]))
    assert (page.data["title"], page.data["artist"], page.text("title")) == (shown, shown, shown)
    assert page.data["orbits"][0]["forecasts"][0]["knows"].isprintable()


def test_a_recording_without_a_name_has_a_title():
    assert Page(player_html([bare_scene(trajectory())])).text("title") == "Orbitscope"


def test_a_forecast_that_runs_away_stays_finite():
    forecast = Forecast(np.full((4, 3), [1e300, -1e300, 0]), 5, 0.4, HOP_S, "far", "past")
    (found,) = Page(player_html([replace(bare_scene(trajectory()), forecasts=(forecast,))])).data["orbits"]
    assert np.isfinite(array(found["forecasts"][0]["points"])).all()


# In a notebook


def framed(text):
    page = Page(text)
    assert page.tags == ["iframe"]
    return page.attributes[0]


def test_a_notebook_shows_a_trajectory():
    path = trajectory(200, title="</iframe>\"'><script>alert(1)</script>")
    frame = framed(path._repr_html_())
    assert frame["srcdoc"] == player_html([bare_scene(path)])
    assert frame["title"] == "Orbitscope player"


def an_orbit(folder, **source):
    path = trajectory(200, **source)
    return Orbit(folder, path, {}, {}, {}, {"extra": {}})


def test_a_notebook_shows_the_page_of_an_orbit_or_makes_one(tmp_path):
    orbit = an_orbit(tmp_path, title="Song")
    assert Page(framed(orbit._repr_html_())["srcdoc"]).data["title"] == "Song"
    write_player(tmp_path / store.PLAYER, [bare_scene(trajectory(title='Kept & "quoted"'))])
    assert framed(orbit._repr_html_())["srcdoc"] == (tmp_path / store.PLAYER).read_text("utf-8")


def test_a_foreign_page_in_an_orbit_cannot_reach_the_notebook(tmp_path):
    """An orbit folder is untrusted: its page gets a frame with an origin of its own, so without allow-same-origin."""
    (tmp_path / store.PLAYER).write_bytes(b"<script>parent.document.title = 'mine'</script>\xff\xfe")
    frame = framed(an_orbit(tmp_path)._repr_html_())
    assert frame["sandbox"].split() == ["allow-scripts", "allow-downloads"]
    assert frame["srcdoc"].startswith("<script>parent")
