"""The command render: what it writes and says, and one clear line for what is wrong."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from films import noise, pictures, walk, write_fake_orbit

from orbitscope import cli, progress, store

SMALL = ["--size", "96x64", "--fps", "24"]


@pytest.fixture
def called(capsys):
    """Call the command in this process."""

    def call(*arguments):
        status = cli.main(["render", *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.fixture(scope="module")
def orbit(tmp_path_factory):
    return write_fake_orbit(tmp_path_factory.mktemp("render") / "song.orbit", walk(90), sound=noise(2.0))


def test_writes_a_film_into_the_orbit_and_names_it(called, orbit, tmp_path):
    copy = shutil.copytree(orbit, tmp_path / "copy.orbit")
    status, out, err = called(copy, *SMALL, "--quiet")
    assert (status, out.split(), err) == (0, [str(copy / "video.mp4")], "")
    assert len(pictures(copy / "video.mp4")[0]) == 48
    assert store.read_orbit(copy)


def test_takes_every_option(called, orbit, tmp_path):
    film, poster = tmp_path / "a film.mp4", tmp_path / "poster.png"
    status, out, _ = called(
        orbit, "-o", film, "--size", "120x80", "--fps", "60", "--theme", "light", "--color", "speed", "--turn", "-10",
        "--elevation", "35", "--azimuth", "-120", "--tail", "0.5", "--no-title", "--no-strip", "--no-forecasts",
        "--start", "0.5", "--duration", "0.5", "--poster", poster, "--json",
    )  # fmt: skip
    assert status == 0
    assert json.loads(out) == {"orbit": str(orbit), "film": str(film), "poster": str(poster)}
    times_s, shots = pictures(film)
    assert len(times_s) == 30 and shots[0].shape == (80, 120, 3) and shots[0].mean() > 200
    assert poster.exists()


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (["--size", "97x64"], 2, r"--size is 97x64; .*98x64"),
        (["--size", "banana"], 2, "--size is 'banana'; give 720p"),
        (["--size", "1x1000000"], 2, "--size is .*64 to 7680"),
        (["--fps", "5"], 2, "--fps is 5; it must be from 24 to 60"),
        (["--color", "banana"], 2, "--color is 'banana'; this orbit has time"),
        (["--start", "100"], 2, "--start is 100; this orbit goes from 0.00 to"),
        (["--duration", "-1"], 2, "--duration is -1"),
        (["--tail", "-1"], 2, "--tail is -1"),
        (["--turn", "nan"], 2, "--turn is nan"),
        (["--poster", "x.jpg"], 2, "--poster is x.jpg"),
        (["--theme", "blue"], 2, "theme"),
        (["-o", "film.avi"], 1, r"film\.avi: films end in \.mp4"),
        (["-o", "/dev/null/film.mp4"], 1, "/dev/null/film.mp4: .*choose"),
    ],
)
def test_what_cannot_be_is_one_line(called, orbit, tmp_path, monkeypatch, options, status, says):
    monkeypatch.chdir(tmp_path)
    given = {"--size": "96x64", "--fps": "24", "-o": "x.mp4", options[0]: options[1]}
    found, out, err = called(orbit, "--quiet", *(part for pair in given.items() for part in pair))
    assert (found, out) == (status, "")
    assert re.search(says, err) and err.startswith("orbitscope: ") and err.count("\n") == 1
    assert not os.listdir(tmp_path)


def test_damaged_orbits_are_named(called, orbit, tmp_path):
    assert "no such orbit" in called(tmp_path / "none.orbit")[2]
    for name in (store.TRAJECTORY, store.SOUND, store.MANIFEST):
        copy = shutil.copytree(orbit, tmp_path / f"{name}.orbit")
        (copy / name).write_bytes(b"broken")
        status, _, err = called(copy, "-o", tmp_path / "x.mp4", *SMALL)
        assert status == 1 and name in err and err.count("\n") == 1
        assert not (tmp_path / "x.mp4").exists()


def test_an_orbit_without_sound_is_silent_and_says_so(called, tmp_path):
    bare = write_fake_orbit(tmp_path / "bare.orbit", walk(60, 2))
    status, out, err = called(bare, "-o", tmp_path / "x.mp4", *SMALL)
    assert (status, out.strip()) == (0, str(tmp_path / "x.mp4"))
    assert "note: " in err and "silent" in err
    assert called(bare, "-o", tmp_path / "y.mp4", *SMALL, "--quiet")[2] == ""


def test_progress_in_lines_with_the_time_left(called, orbit, tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "_EVERY_S", 0.0)
    _, _, err = called(orbit, "-o", tmp_path / "x.mp4", *SMALL)
    assert re.search(r"^x\.mp4: \d+ of 48 pictures, \d+ s left$", err, re.MULTILINE)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing(orbit, tmp_path, sent):
    """A film that is far from done when the first part of it is on the disk."""
    command = ["render", str(orbit), "-o", str(tmp_path / "x.mp4"), "--fps", "60"]
    code = "import sys; from orbitscope.cli import main; sys.exit(main())"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *command], stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # as in a terminal, wherever the tests run
    )  # fmt: skip
    until = time.monotonic() + 60
    while not os.listdir(tmp_path) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    assert os.listdir(tmp_path)[0].startswith(".orbitscope-")
    process.send_signal(sent)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in err and "Traceback" not in err
    assert not os.listdir(tmp_path)
