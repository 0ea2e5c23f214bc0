"""orbitscope player: a page of one orbit or of several, and one clear line where there can be none."""

import json
import os
import shutil
import webbrowser
from pathlib import Path

import pytest
from pages import Page
from test_pipeline import write_loop

from orbitscope import cli, store

QUICK = ("--steps", "20", "-q", "--no-figures")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two orbits of one recording, one of another, and one made without its player."""
    folder = tmp_path_factory.mktemp("player")
    write_loop(folder / "song.wav")
    write_loop(folder / "other.wav", seed=1)
    for name, source, *options in (
        ("first", "song"),
        ("second", "song", "--dims", "2"),
        ("other", "other"),
        ("bare", "song", "--no-player"),
    ):
        output = ("-o", str(folder / f"{name}.orbit"))
        assert cli.main(["run", str(folder / f"{source}.wav"), *output, *QUICK, *options]) == 0
    return folder


@pytest.fixture
def orbits(made, tmp_path, monkeypatch):
    """A copy of one's own, and the place where commands are given."""
    for orbit in made.glob("*.orbit"):
        shutil.copytree(orbit, tmp_path / orbit.name)
    shutil.copy(made / "song.wav", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def opened(monkeypatch):
    """The addresses that a browser was asked for."""
    asked = []
    monkeypatch.setattr(webbrowser, "open", lambda address: asked.append(address) or True)
    return asked


def page(path):
    return Page(Path(path).read_text("utf-8"))


def test_one_orbit_gets_its_page_again(orbits, called):
    kept = (orbits / "first.orbit" / store.PLAYER).read_bytes()
    (orbits / "first.orbit" / store.PLAYER).unlink()
    status, out, err = called("player", "first.orbit")
    assert (status, out, err) == (0, f"{Path('first.orbit') / store.PLAYER}\n", "")
    assert (orbits / "first.orbit" / store.PLAYER).read_bytes() == kept
    assert page("first.orbit/player.html").data["orbits"][0]["name"] == "first"
    store.read_orbit(orbits / "first.orbit")


def test_two_orbits_of_one_recording_share_a_page(orbits, called):
    status, out, err = called("player", "first.orbit", "second.orbit")
    assert (status, out, err) == (0, "comparison.html\n", "")
    data = page("comparison.html").data
    assert [orbit["name"] for orbit in data["orbits"]] == ["first", "second"]
    assert [orbit["points"]["shape"][1] for orbit in data["orbits"]] == [3, 2]
    assert data["sound"] is not None and data["strip"] is not None


def test_up_to_four_orbits_share_a_page_and_five_do_not(orbits, called):
    assert called("player", *["first.orbit"] * 4)[0] == 0
    assert len(page("comparison.html").data["orbits"]) == 4
    status, out, err = called("player", *["first.orbit"] * 5, "-o", "five.html")
    assert (status, out) == (2, "")
    assert err == "orbitscope: 5 orbits are given; a page shows 4 at most\n"
    assert not (orbits / "five.html").exists()


def test_output_names_the_page_and_makes_its_folder(orbits, called):
    target = Path("new") / "deep" / "page one.html"
    before = (orbits / "first.orbit" / store.PLAYER).read_bytes()
    assert called("player", "first.orbit", "--output", target)[:2] == (0, f"{target}\n")
    assert page(target).data["title"] == "song"
    assert (orbits / "first.orbit" / store.PLAYER).read_bytes() == before
    assert called("player", "first.orbit", "-o", target)[0] == 0, "a page is replaced"


def test_json_tells_where_the_page_is(orbits, called):
    status, out, err = called("player", "first.orbit", "second.orbit", "--json", "-o", "é.html")
    assert (status, err) == (0, "")
    assert json.loads(out) == {"page": "é.html", "orbits": ["first.orbit", "second.orbit"]}
    assert len(out.splitlines()) == 1 and out.isascii()


def test_an_orbit_without_its_sound_has_a_page_without_sound_and_strip(orbits, called):
    assert not (orbits / "bare.orbit" / store.SOUND).exists()
    assert not (orbits / "bare.orbit" / store.PLAYER).exists()
    assert called("player", "bare.orbit")[0] == 0
    found = page("bare.orbit/player.html")
    assert found.data["sound"] is None and found.data["strip"] is None
    assert found.text("script", id="sound") == ""
    assert found.data["end_s"] - found.data["start_s"] == pytest.approx(4.0, abs=0.1)
    # beside one that has it, it is heard
    assert called("player", "bare.orbit", "first.orbit")[0] == 0
    assert page("comparison.html").data["sound"]["duration_s"] == pytest.approx(4.0, abs=0.1)


def test_a_forecast_that_was_made_later_is_in_the_page(orbits, called):
    status, _, err = called("forecast", "first.orbit", "--from", "1", "--steps", "10")
    assert status == 0, err
    assert page("first.orbit/player.html").data["orbits"][0]["forecasts"] == []
    assert called("player", "first.orbit")[0] == 0
    (forecast,) = page("first.orbit/player.html").data["orbits"][0]["forecasts"]
    assert forecast["points"]["shape"] == [11, 3]


# What goes wrong


def damage(orbits, how):
    orbit = orbits / "first.orbit"
    if how == "trajectory":
        (orbit / store.TRAJECTORY).write_bytes(b"broken")
    elif how == "manifest":
        (orbit / store.MANIFEST).write_text("{")
    elif how == "start":
        manifest = json.loads((orbit / store.MANIFEST).read_text("utf-8"))
        manifest["extra"]["start_s"] = "\x1b[31mnow"
        (orbit / store.MANIFEST).write_text(json.dumps(manifest), "utf-8")
    elif how == "sound":
        (orbit / store.SOUND).write_bytes(b"no music\n" * 99)
    elif how == "forecast":
        (orbit / store.FORECASTS).mkdir()
        (orbit / store.FORECASTS / "x.npz").write_bytes(b"broken")


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("first.orbit", "other.orbit"), 1, "the orbits are of different recordings (song.wav, other.wav)"),
        (("missing.orbit",), 1, "missing.orbit: there is no such orbit"),
        (("first.orbit", "missing.orbit"), 1, "missing.orbit: there is no such orbit"),
        (("song.wav",), 1, "song.wav: it is not an orbit folder"),
        (("first.orbit", "-o", "."), 2, "--output . is a folder; give the name of a page"),
        (("first.orbit", "-o", "second.orbit"), 2, "--output second.orbit is a folder"),
        (("first.orbit", "-o", "song.wav/page.html"), 1, "song.wav/page.html: cannot be written"),
        (("first.orbit", "-o", "n" * 300 + ".html"), 1, "cannot be written"),
        (("first.orbit", "--bogus"), 2, "--bogus"),
        ((), 2, "ORBIT"),
        (("first.orbit", "trajectory"), 1, "trajectory.npz: it is damaged"),
        (("first.orbit", "manifest"), 1, "orbit.json: it is damaged"),
        (("first.orbit", "start"), 1, "orbit.json: it is damaged"),
        (("first.orbit", "sound"), 1, "sound.m4a: is not audio"),
        (("first.orbit", "forecast"), 1, "x.npz: it is damaged"),
    ],
)
def test_what_cannot_be_shown_gets_one_clear_line(orbits, called, arguments, status, words):
    if arguments[1:] in (("trajectory",), ("manifest",), ("start",), ("sound",), ("forecast",)):
        arguments, how = arguments[:1], arguments[1]
        damage(orbits, how)
    before = sorted((path, path.stat().st_mtime_ns) for path in orbits.rglob("*") if path.is_file())
    got, out, err = called("player", *arguments)
    assert (got, out) == (status, "")
    assert words in err
    assert len(err.splitlines()) == 1 and err.strip().isprintable()
    assert sorted((path, path.stat().st_mtime_ns) for path in orbits.rglob("*") if path.is_file()) == before


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="rights of POSIX, which root need not heed")
def test_a_place_that_may_not_be_written_to_is_named(orbits, called):
    (orbits / "locked").mkdir(mode=0o500)
    status, out, err = called("player", "first.orbit", "-o", "locked/page.html")
    assert (status, out, len(err.splitlines())) == (1, "", 1)
    assert "locked/page.html: it cannot be written: Permission denied" in err


def test_a_place_of_the_system_is_named(orbits, called):
    status, out, err = called("player", "first.orbit", "-o", "/proc/page.html")
    assert (status, out, len(err.splitlines())) == (1, "", 1)
    assert "/proc/page.html: it cannot be written" in err


def test_a_sound_that_ends_early_is_shown_with_a_note(orbits, called):
    sound = Path("first.orbit") / store.SOUND
    sound.write_bytes(sound.read_bytes()[: sound.stat().st_size // 2])
    status, out, err = called("player", "first.orbit")
    assert (status, out) == (0, "first.orbit/player.html\n")
    assert all(line.startswith(f"orbitscope: note: {sound}: ") for line in err.splitlines())
    assert "ends early" in err


# Opened


def test_open_asks_the_browser_for_the_page(orbits, called, opened):
    assert called("player", "first.orbit", "-o", "a b é.html", "--open")[0] == 0
    assert opened == [(orbits / "a b é.html").resolve().as_uri()]


def test_without_open_no_browser_is_asked(orbits, called, opened):
    assert called("player", "first.orbit")[0] == 0
    assert called("run", "song.wav", *QUICK)[0] == 0
    assert opened == []


def test_where_no_browser_can_be_started_it_says_so(orbits, called, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    status, out, err = called("player", "first.orbit", "--open")
    assert (status, out) == (0, "first.orbit/player.html\n")
    assert err == "orbitscope: no browser could be started; open first.orbit/player.html yourself\n"


def test_run_opens_the_page_that_it_wrote(orbits, called, opened):
    assert called("run", "song.wav", *QUICK, "--open")[0] == 0
    assert opened == [(orbits / "song.orbit" / store.PLAYER).resolve().as_uri()]
    assert page("song.orbit/player.html").data["title"] == "song"


def test_run_can_do_without_the_player(orbits, called, opened):
    assert called("run", "song.wav", *QUICK, "--no-player")[0] == 0
    names = {path.name for path in (orbits / "song.orbit").iterdir()}
    assert names == {store.MANIFEST, store.MODEL, store.TRAJECTORY}
    status, out, err = called("run", "song.wav", *QUICK, "--no-player", "--open")
    assert (status, out, opened) == (2, "", [])
    assert err == "orbitscope: --open has nothing to open with --no-player; leave one of them out\n"


def test_run_names_the_page_where_it_speaks(orbits, called):
    _, out, _ = called("run", "song.wav", "--steps", "20", "--no-figures")
    assert out.splitlines()[-1] == str(Path("song.orbit") / store.PLAYER)
