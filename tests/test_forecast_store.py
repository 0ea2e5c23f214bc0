"""Forecasts kept in an orbit: they come back, and nothing damaged gets through."""

import errno
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_store import make

from orbitscope import store
from orbitscope.errors import StoreError
from orbitscope.types import Forecast

HOP_S = 1024 / 44100


def a_forecast(seed=0, **changes):
    points = np.random.default_rng(seed).normal(size=(21, 3))
    return replace(Forecast(points, 12, 0.25 + 12 * HOP_S, HOP_S, "knn", "leak-free"), **changes)


@pytest.fixture
def orbit(tmp_path):
    return make(tmp_path / "ü song.orbit")


def same(a, b):
    return a.points.tobytes() == b.points.tobytes() and all(
        getattr(a, name) == getattr(b, name) for name in ("start", "start_s", "hop_s", "forecaster", "knows")
    )


class TestRoundTrip:
    def test_everything_comes_back(self, orbit):
        wrote = a_forecast()
        file = store.write_forecast(orbit, wrote)
        (read,) = store.read_forecasts(orbit)
        assert same(read, wrote) and read.points.dtype == np.float64
        assert [type(v) for v in vars(read).values()] == [np.ndarray, int, float, float, str, str]
        assert file == orbit / "forecasts" / "knn-leak-free-0.53s.npz"
        store.read_orbit(orbit)

    def test_any_number_is_read_by_name(self, orbit):
        assert store.read_forecasts(orbit) == []
        wrote = [a_forecast(i, forecaster=name) for i, name in enumerate(("smap", "knn", "joint"))]
        for one in wrote:
            store.write_forecast(orbit, one)
        read = store.read_forecasts(orbit)
        assert [one.forecaster for one in read] == ["joint", "knn", "smap"]
        assert all(same(a, b) for a, b in zip(read, wrote[::-1], strict=True))

    def test_the_same_moment_and_forecaster_is_replaced(self, orbit):
        store.write_forecast(orbit, a_forecast())
        newer = a_forecast(1)
        file = store.write_forecast(orbit, newer)
        (read,) = store.read_forecasts(orbit)
        assert same(read, newer)
        store.write_forecast(orbit, a_forecast(start=13, start_s=0.25 + 13 * HOP_S))
        store.write_forecast(orbit, a_forecast(knows="past"))
        assert len(store.read_forecasts(orbit)) == 3
        assert sorted(os.listdir(file.parent)) == [
            "knn-leak-free-0.53s.npz",
            "knn-leak-free-0.55s.npz",
            "knn-past-0.53s.npz",
        ]

    def test_the_same_forecast_has_the_same_bytes(self, orbit):
        first = store.write_forecast(orbit, a_forecast()).read_bytes()
        assert store.write_forecast(orbit, a_forecast()).read_bytes() == first

    @pytest.mark.parametrize("name", ["../../away", "a/b", "a\\b", "x\0\n\x1b[31m", "", "é中 <b>$x$"])
    def test_a_name_stays_in_its_folder(self, orbit, name):
        before = sorted(orbit.parent.rglob("*"))
        file = store.write_forecast(orbit, a_forecast(forecaster=name))
        assert sorted(orbit.parent.rglob("*")) == sorted([*before, orbit / "forecasts", file])
        assert file.parent == orbit / "forecasts" and file.name.isprintable()
        assert store.read_forecasts(orbit)[0].forecaster == name

    def test_other_files_beside_do_not_matter(self, orbit):
        file = store.write_forecast(orbit, a_forecast())
        file.with_suffix(".png").write_bytes(b"a figure")
        (file.parent / ".orbitscope-1-x.new").write_bytes(b"half")
        assert len(store.read_forecasts(orbit)) == 1


class TestUnwritable:
    def full(self, *_):
        raise OSError(errno.ENOSPC, "No space left on device")

    @pytest.mark.parametrize("call", ["fsync", "replace"])
    def test_full_disk_keeps_the_old(self, orbit, monkeypatch, call):
        old = a_forecast()
        file = store.write_forecast(orbit, old)
        monkeypatch.setattr(os, call, self.full)
        with pytest.raises(StoreError) as caught:
            store.write_forecast(orbit, a_forecast(1))
        monkeypatch.undo()
        assert str(caught.value) == (
            f"{file}: it cannot be written: No space left on device; free some space, or choose another place"
        )
        assert same(store.read_forecasts(orbit)[0], old) and os.listdir(file.parent) == [file.name]

    def test_read_only_folder(self, orbit, monkeypatch):
        def denied(self, *_, **__):
            raise PermissionError(errno.EACCES, "Permission denied", str(self))

        monkeypatch.setattr(Path, "mkdir", denied)
        with pytest.raises(StoreError, match=r"forecasts: it cannot be written: Permission denied; choose a place"):
            store.write_forecast(orbit, a_forecast())

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
    def test_really_read_only_folder(self, orbit):
        orbit.chmod(0o500)
        try:
            with pytest.raises(StoreError, match="Permission denied"):
                store.write_forecast(orbit, a_forecast())
        finally:
            orbit.chmod(0o700)

    def test_place_that_cannot_be(self, orbit, tmp_path):
        with pytest.raises(StoreError, match=r"nothing\.orbit.forecasts: it cannot be written"):
            store.write_forecast(tmp_path / "nothing.orbit", a_forecast())
        assert not (tmp_path / "nothing.orbit").exists()
        with pytest.raises(StoreError, match="choose a shorter name"):
            store.write_forecast(orbit, a_forecast(forecaster="n" * 300))
        (orbit / "forecasts").rmdir()
        (orbit / "forecasts").write_text("a file where the folder should be")
        with pytest.raises(StoreError, match="forecasts: it cannot be written"):
            store.write_forecast(orbit, a_forecast())


class TestDamaged:
    def test_truncated_anywhere(self, orbit):
        file = store.write_forecast(orbit, a_forecast())
        content = file.read_bytes()
        for size in sorted({0, 1, 7, 100, *np.linspace(0, len(content) - 2, 40, dtype=int)}):
            file.write_bytes(content[:size])
            with pytest.raises(
                StoreError, match=r"knn-leak-free-0\.53s\.npz: it is damaged.*make it anew with .* forecast$"
            ):
                store.read_forecasts(orbit)

    def test_flipped_bytes_raise_nothing_else(self, orbit):
        file = store.write_forecast(orbit, a_forecast())
        content, random, caught = file.read_bytes(), np.random.default_rng(0), 0
        for _ in range(300):
            damaged = bytearray(content)
            damaged[random.integers(len(content))] ^= 1 << random.integers(8)
            file.write_bytes(damaged)
            try:
                store.read_forecasts(orbit)
            except StoreError as error:
                assert file.name in str(error) and str(error).isprintable()
                caught += 1
        assert caught > 100

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"points": np.zeros(5)}, r"shape \(5,\)"),
            ({"points": np.zeros((0, 3))}, "shape"),
            ({"points": np.array([["a", "b"]])}, "finite numbers"),
            ({"points": np.array([[0.0, np.nan]])}, "finite numbers"),
            ({"points": np.array([[print]], dtype=object)}, "pickle"),
            ({"start": np.array("now")}, "damaged"),
            ({"start": np.array(-1)}, "times"),
            ({"start_s": np.array(np.nan)}, "times"),
            ({"start_s": np.array([1.0, 2.0])}, "damaged"),
            ({"hop_s": np.array(0.0)}, "times"),
            ({"knows": None}, "knows"),
        ],
    )
    def test_wrong_arrays(self, orbit, change, reason):
        store.write_forecast(orbit, a_forecast())
        file = store.write_forecast(orbit, a_forecast(forecaster="wrong"))
        with np.load(file) as archive:
            arrays = {k: v for k, v in {**archive, **change}.items() if v is not None}
        np.savez(file, **arrays)
        with pytest.raises(StoreError, match=f"wrong-leak-free-0.53s.npz: .*{reason}"):
            store.read_forecasts(orbit)

    def test_arrays_that_would_fill_the_memory(self, orbit):
        file = store.write_forecast(orbit, a_forecast())
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("points.npy", bytes(10**7))
        with pytest.raises(StoreError, match="more than its size"):
            store.read_forecasts(orbit)

    def test_no_zip_file_at_all(self, orbit):
        file = store.write_forecast(orbit, a_forecast())
        np.save(file.with_suffix(".npy"), np.zeros(3))
        file.with_suffix(".npy").replace(file)
        with pytest.raises(StoreError, match=file.name):
            store.read_forecasts(orbit)
