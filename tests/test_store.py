"""Orbits on disk: what is written comes back, and nothing half-written, foreign or damaged gets through."""

import errno
import json
import math
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from orbitscope import store
from orbitscope.errors import StoreError
from orbitscope.types import Source, Trajectory

SETTINGS = {"latent_dim": 3, "window_s": 0.5, "channels": (32, 64), "seed": 7}
HISTORY = {"reconstruction": np.linspace(0.7, 0.3, 20, dtype=np.float32), "off_center": np.array([0.1, np.nan])}
SOURCE = Source("a \udcff ü.mp3", "Café 東京 \x1b[31m\"'<b>", "nobody", "ab" * 32)
FILES = (store.MANIFEST, store.MODEL, store.TRAJECTORY)


def a_trajectory(shift=0.0, points=50):
    walk = np.random.default_rng(0).normal(size=(points, 3)).cumsum(axis=0) + shift
    return Trajectory(
        walk.astype(np.float32), hop_s=1024 / 44100, window_s=22 * 1024 / 44100, start_s=0.25, source=SOURCE
    )


def fill(folder, shift=0.0, points=50, **changes):
    given = {"features": "mel", "settings": SETTINGS, "metrics": {"r2": 0.25, "speed": math.inf}, "history": HISTORY}
    store.write_weights(folder / store.MODEL, {"w": np.ones((2, 3), np.float32)}, {"kind": "test"})
    store.write_orbit(folder, trajectory=a_trajectory(shift, points), notices=["short"], **{**given, **changes})


def make(path, **changes):
    with store.new_orbit(path) as folder:
        fill(folder, **changes)
    return path


def first_value(path):
    return store.read_orbit(path).trajectory.points[0, 0] - a_trajectory().points[0, 0]


def only_this(path):
    return os.listdir(path.parent) == [path.name]


@pytest.fixture
def orbit(tmp_path):
    return make(tmp_path / "ü song.orbit")


class TestRoundTrip:
    def test_everything_comes_back(self, orbit):
        read, wrote = store.read_orbit(orbit), a_trajectory()
        assert read.trajectory.points.dtype == np.float32
        assert read.trajectory.points.tobytes() == wrote.points.tobytes()
        for name in ("hop_s", "window_s", "start_s", "source"):
            assert getattr(read.trajectory, name) == getattr(wrote, name)
        assert read.settings == {**SETTINGS, "channels": [32, 64]}
        assert read.metrics["r2"] == 0.25 and math.isnan(read.metrics["speed"])
        assert {k: v.tobytes() for k, v in read.history.items()} == {k: v.tobytes() for k, v in HISTORY.items()}
        assert read.manifest["seed"] == 7 and read.manifest["features"] == "mel"
        assert read.manifest["notices"] == ["short"] and read.manifest["versions"]["numpy"] == np.__version__
        assert read.path == orbit and read.model_path.is_file()
        assert only_this(orbit)

    def test_manifest_is_strict_sorted_utf8(self, orbit):
        text = (orbit / store.MANIFEST).read_text("utf-8")
        manifest = json.loads(text, parse_constant=pytest.fail)
        assert list(manifest) == sorted(manifest) and "東京" in text and "\x1b" not in text
        assert manifest["metrics"]["speed"] is None

    def test_weights(self, tmp_path):
        arrays = {
            "b": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
            "a": np.float64(3.5),
            "c": np.arange(10)[::2],
            "none": np.zeros((0, 4), np.float32),
        }
        metadata = {"z": [1, 2.5, None], "a": {"é": True}}
        file = tmp_path / "m.safetensors"
        store.write_weights(file, arrays, metadata)
        read, read_metadata = store.read_weights(file)
        assert read_metadata == metadata and set(read) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(read[name], array, strict=not np.isscalar(array))
        before = file.read_bytes()
        store.write_weights(file, dict(reversed(arrays.items())), dict(reversed(metadata.items())))
        assert file.read_bytes() == before and only_this(file)

    def test_trajectory_bytes_repeat(self, tmp_path):
        one, two = make(tmp_path / "1.orbit"), make(tmp_path / "2.orbit")
        assert (one / store.TRAJECTORY).read_bytes() == (two / store.TRAJECTORY).read_bytes()

    def test_longest_name(self, tmp_path):
        assert first_value(make(tmp_path / f"{'n' * 249}.orbit")) == 0

    def test_wrong_trajectory_is_not_written(self, tmp_path):
        bad = Trajectory(np.array([[0.0, np.nan]]), 0.1, 0.5)
        with pytest.raises(StoreError, match="finite"):
            store.write_orbit(tmp_path, trajectory=bad, features="mel", settings={})
        assert not any(tmp_path.iterdir())


class TestReplacing:
    def test_newer_replaces_older(self, orbit):
        make(orbit, shift=10)
        assert first_value(orbit) == 10 and only_this(orbit)

    def test_not_without_leave(self, orbit):
        with pytest.raises(StoreError, match="exists already"), store.new_orbit(orbit, overwrite=False):
            pytest.fail("lent a folder")
        assert first_value(orbit) == 0

    @pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
    def test_an_error_leaves_the_old(self, orbit, error):
        with pytest.raises(error), store.new_orbit(orbit) as folder:
            fill(folder, shift=10)
            raise error
        assert first_value(orbit) == 0 and only_this(orbit)

    def test_incomplete_is_not_kept(self, orbit):
        with pytest.raises(StoreError, match=r"model\.safetensors.*not written"), store.new_orbit(orbit) as folder:
            fill(folder)
            (folder / store.MODEL).unlink()
        assert first_value(orbit) == 0 and only_this(orbit)

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.EIO, "Input/output error")])
    def test_failed_exchange_brings_the_old_back(self, orbit, error, monkeypatch):
        rename = Path.rename

        def failing(self, other):
            if self.name == "new":
                assert not orbit.exists()
                raise error
            return rename(self, other)

        monkeypatch.setattr(Path, "rename", failing)
        with pytest.raises((StoreError, KeyboardInterrupt)):
            make(orbit, shift=10)
        assert first_value(orbit) == 0 and only_this(orbit)

    @pytest.mark.parametrize("kind", ["file", "folder", "empty", "other manifest"])
    def test_foreign_is_untouched(self, tmp_path, kind):
        path = tmp_path / "thesis.orbit"
        if kind == "file":
            path.write_text("thesis")
        else:
            path.mkdir()
        if kind == "folder":
            (path / "thesis.txt").write_text("thesis")
        if kind == "other manifest":
            (path / store.MANIFEST).write_text('{"planet": "Mars"}')
        before = sorted((p, p.stat().st_mtime_ns) for p in tmp_path.rglob("*"))
        with pytest.raises(StoreError, match=r"thesis.orbit.*not a readable orbit"):
            make(path)
        with pytest.raises(StoreError, match=r"thesis\.orbit"):
            store.read_orbit(path)
        assert sorted((p, p.stat().st_mtime_ns) for p in tmp_path.rglob("*")) == before

    def test_foreign_folder_that_appears_meanwhile(self, tmp_path):
        path = tmp_path / "x.orbit"
        with pytest.raises(StoreError, match="not a readable orbit"), store.new_orbit(path) as folder:
            fill(folder)
            path.mkdir()
            (path / "notes").write_text("mine")
        assert only_this(path) and (path / "notes").read_text() == "mine"

    def test_through_a_link(self, orbit, tmp_path):
        link = tmp_path / "link.orbit"
        link.symlink_to(orbit)
        make(link, shift=10)
        assert link.is_symlink() and first_value(orbit) == 10


WRITER = """
import sys; from pathlib import Path
sys.path.insert(0, "{tests}")
from test_store import fill, make
for i in range({rounds}):
    make(Path(sys.argv[1]), shift=int(sys.argv[2]), points=2000)
"""


def start(code, *arguments):
    env = {**os.environ, "PYTHONPATH": str(Path(store.__file__).parents[1])}
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], env=env)


class TestProcesses:
    def test_two_writers_leave_one_whole_orbit(self, tmp_path):
        path = tmp_path / "x.orbit"
        code = WRITER.format(tests=Path(__file__).parent, rounds=40)
        writers = [start(code, path, shift) for shift in (100, 200)]
        assert [writer.wait(60) for writer in writers] == [0, 0]
        assert first_value(path) in (100, 200) and only_this(path)

    @pytest.mark.parametrize("moment", ["writing", "between the renames"])
    def test_killed_writer_is_cleaned_up_after(self, orbit, moment):
        code = WRITER.format(tests=Path(__file__).parent, rounds=1)
        die = "import os, signal; die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        if moment == "writing":
            die += "from orbitscope import _atomic; _atomic._check_whole = die\n"
        else:
            die += "from orbitscope import store; store.Path.rename, old = lambda a, b: die() if a.name == 'new'"
            die += " else old(a, b), store.Path.rename\n"
        assert start(die + code, orbit, 100).wait(60) == -9
        assert len(os.listdir(orbit.parent)) == (2 if moment == "writing" else 1)
        with pytest.raises(KeyError), store.new_orbit(orbit):
            assert first_value(orbit) == 0, "what the dead had set aside is back"
            raise KeyError
        assert first_value(orbit) == 0 and only_this(orbit)

    def test_workspace_of_the_living_stays(self, orbit):
        with store.new_orbit(orbit) as first:
            fill(first, shift=1)
            make(orbit, shift=2)
            assert first.is_dir() and first_value(orbit) == 2
        assert first_value(orbit) == 1 and only_this(orbit)


class TestUnwritable:
    @pytest.mark.parametrize("name", FILES)
    def test_full_disk_in_a_file(self, orbit, monkeypatch, name):
        write = Path.write_bytes

        def full(self, content):
            if name == store.MODEL if ".orbitscope" in self.name else self.name == name:
                write(self, content[:10])
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(self, content)

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(StoreError) as caught:
            make(orbit, shift=10)
        assert str(caught.value) == (
            f"{orbit / name}: it cannot be written: No space left on device; free some space, or choose another place"
        )
        monkeypatch.undo()
        assert first_value(orbit) == 0 and only_this(orbit)

    @pytest.mark.parametrize("call", ["fsync", "mkdir"])
    def test_full_disk_elsewhere(self, orbit, monkeypatch, call):
        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, call, full)
        with pytest.raises(StoreError, match=r"song.orbit.*No space left.*free some space"):
            make(orbit, shift=10)
        monkeypatch.undo()
        assert first_value(orbit) == 0 and only_this(orbit)

    def test_errors_of_the_block(self, orbit):
        figure_refused = pytest.raises(StoreError, match=r"song\.orbit.figure\.png: it cannot be written")
        with figure_refused, store.new_orbit(orbit) as folder:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder / "figure.png"))
        with pytest.raises(StoreError, match="free some space"), store.new_orbit(orbit):
            raise OSError(errno.ENOSPC, "No space left on device")
        with pytest.raises(FileNotFoundError), store.new_orbit(orbit):
            Path("/nowhere/song.mp3").read_bytes()
        assert first_value(orbit) == 0 and only_this(orbit)

    def test_place_that_cannot_be(self, tmp_path):
        (tmp_path / "file").write_text("x")
        for path in (tmp_path / "file" / "x.orbit", tmp_path / f"{'n' * 300}.orbit", Path("/proc/x.orbit")):
            with pytest.raises(StoreError, match=r"cannot be written.*choose"):
                make(path)
        with pytest.raises(StoreError, match="cannot be written"):
            store.write_weights(tmp_path / "no" / "m.safetensors", {}, {})
        with pytest.raises(StoreError, match="cannot be written"):
            store.write_weights(tmp_path, {}, {})
        assert os.listdir(tmp_path) == ["file"]


def read_all(path):
    store.read_orbit(path)
    store.read_weights(path / store.MODEL)


class TestDamaged:
    def test_missing(self, orbit, tmp_path):
        with pytest.raises(StoreError, match="no such orbit"):
            store.read_orbit(tmp_path / "nothing.orbit")
        with pytest.raises(StoreError, match="not an orbit folder"):
            store.read_orbit(tmp_path)
        for name in FILES:
            (orbit / name).rename(tmp_path / "aside")
            with pytest.raises(StoreError, match=name):
                read_all(orbit)
            (tmp_path / "aside").rename(orbit / name)
        read_all(orbit)

    @pytest.mark.parametrize("name", FILES)
    def test_truncated_anywhere(self, orbit, name):
        content = (orbit / name).read_bytes()
        for size in sorted({0, 1, 7, 8, 9, 100, *np.linspace(0, len(content) - 2, 40, dtype=int)}):
            (orbit / name).write_bytes(content[:size])
            with pytest.raises(StoreError, match=name):
                read_all(orbit)

    @pytest.mark.parametrize("name", FILES)
    def test_flipped_bytes_raise_nothing_else(self, orbit, name):
        content, random = (orbit / name).read_bytes(), np.random.default_rng(0)
        caught = 0
        for _ in range(300):
            damaged = bytearray(content)
            place = random.integers(min(len(content), 1500)) if random.random() < 0.7 else -random.integers(1, 100)
            damaged[place] ^= 1 << random.integers(8)
            (orbit / name).write_bytes(damaged)
            try:
                read_all(orbit)
            except StoreError as error:
                assert name in str(error) and str(error).isprintable()
                caught += 1
        assert caught > 50

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"schema": 7}, r"newer Orbitscope \(schema 7, this one reads up to 1\); upgrade"),
            ({"schema": 0}, r"older Orbitscope \(schema 0, this one reads 1\)"),
            ({"schema": "1"}, "'schema' is missing"),
            ({"schema": True}, "'schema' is missing"),
            ({"format": "planets"}, "not the manifest of an orbit"),
            ({"settings": None}, "'settings' is missing"),
            ({"notices": {}}, "'notices' is missing or no list"),
            ({"source": {"name": "x"}}, "'title' of its source"),
            ({"metrics": {"\x1b[31mr2\n": "high"}}, "metric '.*r2.*' is no number"),
        ],
    )
    def test_wrong_manifest(self, orbit, change, reason):
        file = orbit / store.MANIFEST
        file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
        with pytest.raises(StoreError, match=f"orbit.json: .*{reason}") as caught:
            store.read_orbit(orbit)
        assert str(caught.value).isprintable()

    @pytest.mark.parametrize("text", ["[]", "null", "{", '{"a": ' * 100_000, "\xff\xfe", ""])
    def test_manifest_that_is_none(self, orbit, text):
        (orbit / store.MANIFEST).write_bytes(text.encode("latin-1"))
        with pytest.raises(StoreError, match=r"orbit.json"):
            store.read_orbit(orbit)
        assert not store.is_orbit(orbit)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"points": np.zeros(5)}, r"shape \(5,\)"),
            ({"points": np.zeros((0, 3))}, "shape"),
            ({"points": np.array([["a", "b"]])}, "finite numbers"),
            ({"points": np.array([[0.0, np.inf]])}, "finite numbers"),
            ({"points": np.array([[{"a": 1}, print]], dtype=object)}, "pickle"),
            ({"hop_s": np.float64(0)}, "hop_s"),
            ({"window_s": np.array([1.0, 2.0])}, "window_s"),
            ({"start_s": np.array("now")}, "start_s"),
            ({"history/forecast": np.zeros((2, 2))}, "forecast"),
            ({"hop_s": None}, "'hop_s' is missing"),
        ],
    )
    def test_wrong_arrays(self, orbit, change, reason):
        with np.load(orbit / store.TRAJECTORY) as archive:
            arrays = {k: v for k, v in {**archive, **change}.items() if v is not None}
        np.savez(orbit / store.TRAJECTORY, **arrays)
        with pytest.raises(StoreError, match=f"trajectory.npz: .*{reason}"):
            store.read_orbit(orbit)

    def test_arrays_that_would_fill_the_memory(self, orbit):
        with zipfile.ZipFile(orbit / store.TRAJECTORY, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("points.npy", bytes(10**7))
        with pytest.raises(StoreError, match=r"trajectory.npz.*more than its size"):
            store.read_orbit(orbit)

    def test_foreign_weights(self, tmp_path):
        from safetensors.numpy import save_file

        for metadata in (None, {"format": "pt"}, {"orbitscope": "[]"}, {"orbitscope": "{"}):
            save_file({"w": np.zeros(3)}, tmp_path / "m.safetensors", metadata=metadata)
            with pytest.raises(StoreError, match=r"m.safetensors"):
                store.read_weights(tmp_path / "m.safetensors")
        with pytest.raises(StoreError, match="no such file"):
            store.read_weights(tmp_path)
