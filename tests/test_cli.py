"""The command, mostly as a process of its own: what a user types and sees."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from test_pipeline import write_loop

from orbitscope import cli, store

COMMAND = [sys.executable, "-c", "import sys; from orbitscope.cli import main; sys.exit(main())"]


def run(*arguments, cwd=None):
    """The exit status, stdout and stderr of the command."""
    done = subprocess.run([*COMMAND, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert "Traceback" not in done.stderr + done.stdout
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def orbits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    write_loop(folder / "first.wav")
    write_loop(folder / "second.wav", seed=1)
    for name in ("first", "second"):
        status = cli.main(
            ["run", str(folder / f"{name}.wav"), "-o", str(folder), "--steps", "60", "-q", "--no-figures"]
        )
        assert status == 0
    return folder


def test_version_and_help(called):
    assert called("--version")[1].strip() == cli.__version__
    status, out, _ = called("run", "--help")
    assert status == 0
    for option in ("--output", "--start", "--duration", "--window", "--dims", "--features", "--forecast-weight",
                   "--preset", "--steps", "--seed", "--skip-existing", "--quiet", "--json"):  # fmt: skip
        assert option in out


def test_help_is_quick_because_it_loads_nothing_heavy():
    code = "import sys; from orbitscope.cli import main; main(['--help']); print([m for m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    for heavy in ("'jax'", "'numpy'", "'sklearn'", "'matplotlib'", "'av'"):
        assert heavy not in loaded


def test_a_folder_is_done_but_for_its_bad_file(tmp_path):
    for place in ("", "a", "b"):
        (tmp_path / "in" / place).mkdir(parents=True, exist_ok=True)
        write_loop(tmp_path / "in" / place / "x.wav", seed=len(place) + (place == "b"))
    (tmp_path / "in" / "bad.mp3").write_text("no music")
    status, out, err = run("run", tmp_path / "in", "-o", tmp_path / "out", "--steps", 60, "--no-figures", "--json")
    assert status == 1
    lines = [json.loads(line) for line in out.splitlines()]
    assert sorted("error" in line for line in lines) == [False, False, False, True]
    assert "bad.mp3: is not audio" in err
    assert "3 done, 1 failed" in err
    made = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.orbit"))
    assert made == ["a/x.orbit", "b/x.orbit", "x.orbit"]
    for place in made:
        store.read_orbit(tmp_path / "out" / place)


def test_two_inputs_of_one_name_do_not_collide(tmp_path, called):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        write_loop(tmp_path / place / "x.wav", seed=ord(place))
    files = (tmp_path / "a" / "x.wav", tmp_path / "b" / "x.wav")
    assert called("run", *files, "-o", tmp_path / "out", "--steps", 60, "-q", "--no-figures")[0] == 0
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize(
    "arguments, status, words",
    [
        (("missing.mp3",), 1, "missing.mp3: cannot be read"),
        (("empty",), 1, "empty: no audio or video files"),
        (("text.mp3",), 1, "text.mp3: is not audio or video"),
        (("silence.wav",), 1, "silence.wav: nothing to learn"),
        (("nan.wav",), 1, "nan.wav: 1 samples"),
        (("infinite.wav",), 1, "NaN or infinite"),
        (("short.wav",), 1, "short.wav: too short"),
        (("good.wav", "--start", "100"), 1, "beyond its end"),
        (("good.wav", "--start", "-1"), 1, "change --start"),
        (("good.wav", "--duration", "0"), 1, "change --duration"),
        (("good.wav", "-o", "taken"), 1, "taken/good.orbit: it cannot be written"),
        (("good.wav", "-o", "foreign.orbit"), 1, "foreign.orbit: it exists and is not"),
        (("good.wav", "--window", "20"), 2, "--window is 20 s; it must be from 0.1 to 10"),
        (("good.wav", "--window", "0.01"), 2, "--window is 0.01 s"),
        (("good.wav", "--dims", "65"), 2, "--dims is 65; it must be from 1 to 64"),
        (("good.wav", "--dims", "two"), 2, "--dims"),
        (("good.wav", "--dims", "2.5"), 2, "--dims: '2.5' is no whole number"),
        (("good.wav", "--steps", "0"), 2, "--steps is 0"),
        (("good.wav", "--seed", "-1"), 2, "--seed is -1"),
        (("good.wav", "--forecast-weight", "nan"), 2, "--forecast-weight is nan"),
        (("good.wav", "--bogus"), 2, "--bogus"),
        (("good.wav", "--preset", "bogus"), 2, "bogus"),
        (("good.wav", "text.mp3", "-o", "one.orbit"), 2, "names one orbit"),
        ((), 2, "INPUT"),
    ],
)
def test_bad_input_gets_one_clear_line(tmp_path, called, monkeypatch, arguments, status, words):
    monkeypatch.chdir(tmp_path)
    noise = 0.1 * np.random.default_rng(0).normal(size=2 * 44100).astype(np.float32)
    soundfile.write("good.wav", noise, 44100)
    soundfile.write("short.wav", noise[:10_000], 44100)
    soundfile.write("silence.wav", 0 * noise, 44100)
    for name, wrong in (("nan", np.nan), ("infinite", np.inf)):
        broken = noise.copy()
        broken[1000] = wrong
        soundfile.write(f"{name}.wav", broken, 44100, subtype="FLOAT")
    (tmp_path / "text.mp3").write_text("no music\n" * 100)
    (tmp_path / "taken").write_text("a file where the folder should be")
    (tmp_path / "empty").mkdir()
    (tmp_path / "foreign.orbit").mkdir()
    (tmp_path / "foreign.orbit" / "mine.txt").write_text("mine")
    before = sorted(p.name for p in tmp_path.iterdir())
    got, out, err = called("run", *arguments, *(["--quiet"] if arguments else []))
    assert got == status
    assert out == ""
    assert words in err
    assert len(err.strip().splitlines()) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert (tmp_path / "foreign.orbit" / "mine.txt").read_text() == "mine"


def test_a_name_with_a_leading_dash_spaces_and_letters_of_the_world(tmp_path):
    write_loop(tmp_path / "-a b é中.wav")
    options = ("run", "-o", "out", "--steps", "60", "-q", "--no-figures", "--")
    assert run(*options, "-a b é中.wav", cwd=tmp_path)[0] == 0
    assert (tmp_path / "out" / "-a b é中.orbit").is_dir()


def test_json_is_strict_and_alone_on_stdout(orbits, called):
    status, out, _ = called("run", orbits / "first.wav", "-o", orbits, "--steps", 60, "--no-figures", "--json")
    line = json.loads(out, parse_constant=pytest.fail)
    assert status == 0
    assert line["metrics"]["points"] == 150


def test_progress_is_plain_lines_without_a_terminal(orbits, called):
    _, _, err = called("run", orbits / "first.wav", "-o", orbits, "--steps", 60, "--no-figures")
    assert "\x1b" not in err
    assert [line.split(": ")[1] for line in err.splitlines() if "step" not in line] == [
        "decoding", "compiling", "measuring", "drawing"]  # fmt: skip


def test_info_shows_what_is_there(orbits, called):
    status, out, _ = called("info", orbits / "first.orbit")
    assert status == 0
    assert "150 points in 3 dimensions" in " ".join(out.split())
    assert json.loads(called("info", orbits / "first.orbit", "--json")[1])["schema"] == 1


@pytest.mark.parametrize("target", ["nothing.orbit", "."])
def test_info_of_no_orbit_is_one_line(orbits, called, target):
    status, out, err = called("info", orbits / target)
    assert (status, out, len(err.splitlines())) == (1, "", 1)


def test_info_does_not_let_a_title_steer_the_terminal(orbits, called):
    manifest = orbits / "first.orbit" / "orbit.json"
    kept = manifest.read_text("utf-8")
    changed = json.loads(kept)
    changed["source"]["title"] = "\x1b[31m[bold]<b>'\"\n"
    manifest.write_text(json.dumps(changed), "utf-8")
    try:
        _, out, _ = called("info", orbits / "first.orbit")
    finally:
        manifest.write_text(kept, "utf-8")
    assert "\x1b" not in out
    assert "[bold]<b>'\"" in out


def test_compare_draws_and_tells(orbits, called, tmp_path):
    figure = tmp_path / "new" / "both.png"
    status, out, _ = called("compare", orbits / "first.orbit", orbits / "second.orbit", "-o", figure)
    assert status == 0
    assert figure.read_bytes()[:4] == b"\x89PNG"
    assert figure.with_suffix(".svg").exists()
    assert out.count("150") == 2


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_no_broken_folder(tmp_path, sent):
    write_loop(tmp_path / "song.wav")
    command = [*COMMAND, "run", "song.wav", "-o", "out", "--steps", "1000000"]
    options = {"cwd": tmp_path, "stderr": subprocess.PIPE, "text": True}
    # as in a terminal, though the tests themselves may run where a shell has told them to ignore it
    options["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, **options) as process:
        for line in process.stderr:
            if "compiling" in line:
                break
        time.sleep(2)
        process.send_signal(sent)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert list((tmp_path / "out").iterdir()) == []


def test_a_background_process_stops_when_told_to(tmp_path):
    """A shell without job control tells what it starts in the background to ignore SIGINT; SIGTERM must still work."""
    write_loop(tmp_path / "song.wav")
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); from orbitscope.cli import main; "
    command = [sys.executable, "-c", code + "sys.exit(main())", "run", "song.wav", "--steps", "1000000"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "compiling" in line:
            break
    process.terminate()
    assert "interrupted" in process.communicate(timeout=120)[1]
    assert process.returncode == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["song.wav"]


def test_a_name_that_looks_like_json_is_a_name(called, tmp_path, monkeypatch):
    write_loop(tmp_path / "[1] song.wav")
    monkeypatch.chdir(tmp_path)
    status, _, said = called("run", "[1] song.wav", "--steps", "5", "--no-figures", "-q")
    assert (status, said) == (0, "")
    assert (tmp_path / "[1] song.orbit").is_dir()
