"""The player's page in a real browser: what is seen, what is heard, what keys and pointers do."""

import io
import json

import numpy as np
import pytest
import soundfile
from browser import NO_GRAPHICS, Opened, chromium
from conftest import looped_song
from PIL import Image

import orbitscope
from orbitscope.pipeline import forecast_orbit
from orbitscope.player import write_player
from orbitscope.scenes import bare_scene, scene
from orbitscope.store import read_orbit, write_forecast
from orbitscope.types import Source, Trajectory

CLICKS_S = (2.0, 3.0, 5.0, 6.5)
HOSTILE = "</script><img src=x onerror=alert(1)> %%SOUND%% <!-- \u202e'\""

# Every 8 ms, soon after a picture: where the sound is, and the moment that was drawn, brought to the same instant.
WATCH = """async (forS) => {
  const audio = document.querySelector("audio"), found = [];
  const until = performance.now() + 1000 * forS;
  while (performance.now() < until) {
    await new Promise((done) => setTimeout(done, 8));
    const sinceDrawn = (performance.now() - orbitscope.drawnAtMs) / 1000;
    if (sinceDrawn < 0.03) found.push([audio.currentTime - sinceDrawn * audio.playbackRate, orbitscope.drawnS]);
  }
  return found;
}"""

# The moments that are drawn until the sound goes to another place.
UNTIL_SOUGHT = """async () => {
  const audio = document.querySelector("audio"), drawn = [], until = performance.now() + 20_000;
  let sought = 0;
  audio.addEventListener("seeked", () => { sought += 1; });
  while (performance.now() < until && !sought) {
    await new Promise((done) => setTimeout(done, 4));
    drawn.push(orbitscope.drawnS);
  }
  return [sought, audio.currentTime, drawn];
}"""

# Listen to what the element plays; tell the media time at which each click began.
LISTEN = """async (forS) => {
  const audio = document.querySelector("audio"), context = new AudioContext();
  const node = context.createAnalyser(), samples = new Float32Array(32768);
  node.fftSize = samples.length;
  context.createMediaElementSource(audio).connect(node);
  await context.resume();
  await orbitscope.toggle();
  const found = [], until = performance.now() + 1000 * forS;
  while (performance.now() < until) {
    await new Promise((done) => setTimeout(done, 5));
    node.getFloatTimeDomainData(samples);
    const at = samples.findIndex((value) => Math.abs(value) > 0.5);
    const mediaS = audio.currentTime - (samples.length - at) / context.sampleRate;
    if (at > 0 && (!found.length || mediaS - found[found.length - 1] > 0.3)) found.push(mediaS);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def orbit(folder):
    """Eight quiet seconds with loud clicks at known times."""
    song = looped_song(seconds=8, loop_s=1.0)
    samples = 0.05 * song.samples / np.abs(song.samples).max()
    for click_s in CLICKS_S:
        first = round(click_s * song.rate_hz)
        samples[:, first : first + 90] = 0.9
    soundfile.write(folder / "clicks.wav", samples.T, song.rate_hz)
    return orbitscope.run(folder / "clicks.wav", output=folder, steps=80, figures=False)


@pytest.fixture(scope="module")
def launch():
    with chromium() as launch:
        yield launch


@pytest.fixture(scope="module")
def browser(launch):
    one = launch()
    yield one
    one.close()


@pytest.fixture(scope="module")
def shared(browser, orbit):
    """One page for many tests; each leaves it paused."""
    opened = Opened(browser, orbit.path / "player.html", reduced_motion="reduce")
    yield opened
    opened.close()


@pytest.fixture
def page(shared):
    shared.page.keyboard.press("Escape")
    shared.get("(orbitscope.transport.setLoop(null), orbitscope.transport.pause(), orbitscope.transport.rate = 1)")
    shared.get("document.activeElement.blur()")
    yield shared
    assert shared.complaints == []


def picture(page, selector=".stage canvas"):
    image = page.page.locator(selector).first.screenshot()
    return np.asarray(Image.open(io.BytesIO(image)).convert("RGB"), np.int16)


def test_it_opens_whole_and_asks_nothing_of_the_network(page):
    assert page.page.locator("h1").inner_text() == "clicks"
    drawn = picture(page)
    assert (np.ptp(drawn, axis=(0, 1)) > 60).all(), "the path stands off the ground"
    assert {url.split(":")[0] for url in page.requests} <= {"file", "blob", "data"}
    assert len([url for url in page.requests if url.startswith("file")]) == 1


def test_space_plays_and_pauses(page):
    page.page.keyboard.press(" ")
    page.until("!document.querySelector('audio').paused && document.querySelector('audio').currentTime > 0.2")
    assert page.page.get_by_role("button", name="Pause").count() == 1
    page.page.keyboard.press(" ")
    page.until("document.querySelector('audio').paused")
    page.until("orbitscope.drawnS === document.querySelector('audio').currentTime")
    stood = page.get("orbitscope.drawnS")
    page.page.wait_for_timeout(200)
    assert page.get("orbitscope.drawnS") == stood > 0.2


@pytest.mark.parametrize("rate", [1, 2, 0.5])
def test_the_point_is_drawn_where_the_sound_is(page, rate):
    page.get(f"(orbitscope.seek(1), orbitscope.transport.rate = {rate}, orbitscope.toggle())")
    page.until("orbitscope.drawnS > 1.2")
    for _ in range(4):  # where the machine is too busy to paint, the sound waits too, and time must be found again
        page.get("orbitscope.seek(1)")
        found = np.array(page.page.evaluate(WATCH, 1.5)).reshape(-1, 2)
        off = np.abs(found[:, 0] - found[:, 1])
        if len(off) > 5 and np.median(off) < 1 / 60 and np.percentile(off, 90) < 2 / 60:
            break
    else:
        raise AssertionError(f"off by {np.round(1000 * off)} ms")
    assert np.ptp(found[:, 1]) > 0.3 * rate


def test_the_sound_is_at_its_true_time(browser, orbit):
    opened = Opened(browser, orbit.path / "player.html")
    opened.until("document.querySelector('audio').readyState >= 3")
    opened.get("orbitscope.seek(1)")
    found = np.array(opened.page.evaluate(LISTEN, 6.6))
    opened.close()
    away = np.abs(found[:, None] - CLICKS_S)
    assert away.min(axis=1).max() < 0.04, "within a screen frame or two of where a click is in the file"
    assert len(set(away.argmin(axis=1))) >= 3, "a busy machine may miss one"


def test_click_and_drag_on_the_strip_seek(page):
    box = page.page.locator(".slider").bounding_box()
    y = box["y"] + 20
    page.page.mouse.click(box["x"] + box["width"] / 2, y)
    page.until("Math.abs(orbitscope.drawnS - 4) < 0.02")
    page.page.mouse.move(box["x"] + box["width"] / 4, y)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + box["width"] * 0.75, y, steps=4)
    page.page.mouse.up()
    page.until("Math.abs(orbitscope.drawnS - 6) < 0.02")
    assert page.get("Math.abs(document.querySelector('audio').currentTime - 6) < 0.02")
    slider = page.page.get_by_role("slider", name="Position in the recording")
    assert float(slider.get_attribute("aria-valuenow")) == pytest.approx(6, abs=0.02)
    assert slider.get_attribute("aria-valuetext") == "6 s of 8 s"


def test_arrows_move_by_seconds_and_points(page, orbit):
    page.get("orbitscope.seek(3)")
    for key, expected in [("ArrowRight", 4), ("Shift+ArrowLeft", 0), ("End", 8), ("Home", 0)]:
        page.page.keyboard.press(key)
        page.until(f"Math.abs(orbitscope.drawnS - {expected}) < 0.02")
    page.page.keyboard.press(".")
    page.until(f"Math.abs(orbitscope.drawnS - {orbit.trajectory.hop_s}) < 0.005")
    page.page.keyboard.press("ArrowUp")
    assert page.get("document.querySelector('audio').playbackRate") == 1.25


def test_a_loop_is_kept_to(page):
    page.get("orbitscope.seek(2)")
    page.page.keyboard.press("l")
    page.get("orbitscope.seek(2.6)")
    page.page.keyboard.press("l")
    assert page.get("orbitscope.transport.loop") == {"startS": pytest.approx(2), "endS": pytest.approx(2.6)}
    page.get("(orbitscope.seek(2), orbitscope.toggle(), 0)")
    page.until("document.querySelector('audio').currentTime > 2.05")
    sought, heard_s, drawn = page.page.evaluate(UNTIL_SOUGHT)
    assert sought == 1 and 2 <= heard_s < 2.6
    assert min(drawn) > 1.9 and max(drawn) <= 2.6 + 1 / 30
    page.page.keyboard.press("l")
    assert page.get("orbitscope.transport.loop") is None


def test_help_opens_and_closes(page):
    page.page.keyboard.press("?")
    dialog = page.page.get_by_role("dialog")
    assert "play or pause" in dialog.inner_text()
    page.page.keyboard.press("Escape")
    assert dialog.count() == 0


def test_colours_change_the_picture_and_the_scale(page):
    page.get("(orbitscope.seek(7.5))")
    before = picture(page)
    page.page.get_by_label("Colour by").select_option("brightness")
    page.page.wait_for_timeout(100)
    assert (picture(page) != before).any()
    assert "Hz" in page.page.locator(".legend").inner_text()
    page.page.get_by_label("Colour by").select_option("time")


def test_dark_and_light(page):
    grounds = {}
    for _ in range(2):
        grounds[page.get("document.documentElement.dataset.theme")] = picture(page)[5, 300].mean()
        page.page.keyboard.press("d")
        page.page.wait_for_timeout(150)
    assert grounds["dark"] < 40 and grounds["light"] > 215


def test_a_picture_is_saved(page):
    with page.page.expect_download() as saved:
        page.page.keyboard.press("s")
    assert saved.value.suggested_filename.startswith("clicks-")
    image = np.asarray(Image.open(saved.value.path()).convert("RGB"))
    assert np.ptp(image) > 100


def test_a_forecast_from_here_is_the_one_of_the_library(page, orbit):
    page.get("orbitscope.seek(4)")
    page.until("Math.abs(orbitscope.drawnS - 4) < 0.01")
    page.page.keyboard.press("p")
    page.page.get_by_label("Steps").fill("30")
    page.page.get_by_role("button", name="Forecast from here").click()
    page.until("orbitscope.forecasts.growing[0]?.grown === 30")
    made = np.array(json.loads(page.get("JSON.stringify([...orbitscope.forecasts.growing[0].forecast.points])")))
    own = forecast_orbit(orbit, orbitscope.KNNForecaster(), 4.0, 30)
    radius = np.linalg.norm(orbit.trajectory.points.std(axis=0))
    np.testing.assert_allclose(made.reshape(31, -1), own.points, atol=1e-4 * radius)
    true = orbit.trajectory.points[own.start : own.start + 31]
    shown = page.get("orbitscope.forecasts.errors()")
    points = orbit.trajectory.points
    rms = np.sqrt(np.mean(np.sum((points - points.mean(axis=0)) ** 2, axis=1)))
    np.testing.assert_allclose(shown, np.linalg.norm(own.points - true, axis=1) / rms, rtol=1e-3, atol=1e-4)
    page.page.get_by_role("button", name="Clear").click()
    assert page.get("orbitscope.forecasts.growing[0]") is None


def test_stored_forecasts_are_listed_and_drawn(browser, orbit, folder):
    write_forecast(orbit.path, forecast_orbit(orbit, orbitscope.KNNForecaster(), 3.0, 40, name="knn"))
    page = Opened(
        browser, write_player(folder / "branches.html", [scene(read_orbit(orbit.path))]), reduced_motion="reduce"
    )
    page.get("orbitscope.seek(6)")
    page.page.wait_for_timeout(200)
    with_branch = picture(page)
    page.page.get_by_role("button", name="Forecasts").click()
    page.page.get_by_label("knn from 3.0 s, 40 steps").uncheck()
    page.page.keyboard.press("Escape")
    page.page.wait_for_timeout(200)
    assert (picture(page) != with_branch).sum() > 50
    assert page.complaints == []
    page.close()


def test_orbits_of_one_recording_share_clock_and_camera(browser, orbit, folder):
    other = orbitscope.run(
        folder / "clicks.wav", output=folder / "four.orbit", steps=40, latent_dim=4, window_s=1.0, figures=False
    )
    page = Opened(browser, write_player(folder / "both.html", [scene(orbit), scene(other)]), reduced_motion="reduce")
    assert page.page.locator(".names span").all_inner_texts() == ["clicks", "four · first 3 of 4 principal axes"]
    page.get("orbitscope.seek(5)")
    page.page.wait_for_timeout(200)
    before = picture(page)
    middle = before.shape[1] // 2
    page.page.mouse.move(200, 250)
    page.page.mouse.down()
    page.page.mouse.move(320, 250, steps=3)
    page.page.mouse.up()
    page.page.wait_for_timeout(300)
    changed = (picture(page) != before).any(axis=(0, 2))
    assert changed[:middle].any() and changed[middle:].any()
    assert page.complaints == []
    page.close()


def test_a_hostile_title_is_shown_not_run(browser, folder):
    turns = np.linspace(0, 30, 300)
    points = np.stack([np.cos(turns), np.sin(turns), 0.1 * turns], axis=1).astype(np.float32)
    path = Trajectory(points, 0.0232, 0.5, source=Source(name="x.mp3", title=HOSTILE, artist=HOSTILE))
    page = Opened(browser, write_player(folder / "hostile.html", [bare_scene(path)]))
    assert page.page.locator("h1").inner_text() == HOSTILE.replace("\u202e", "")
    assert HOSTILE.replace("\u202e", "") in page.page.locator("header p").inner_text()
    assert page.page.locator("img").count() == 0
    assert page.complaints == []
    page.page.keyboard.press(" ")  # no sound: time runs all the same
    page.until("orbitscope.drawnS > 0.5")
    page.close()


def test_without_webgl_there_is_a_picture_and_the_sound(launch, orbit):
    plain = launch(*NO_GRAPHICS)
    page = Opened(plain, orbit.path / "player.html")
    assert "WebGL" in page.page.locator(".stage .notice").inner_text()
    assert np.ptp(picture(page)) > 100
    page.page.keyboard.press(" ")
    page.until("document.querySelector('audio').currentTime > 0.3")
    assert page.complaints == []
    plain.close()


def test_reduced_motion_stands_still_until_asked(page, browser, orbit):
    page.page.wait_for_timeout(300)
    painted = page.get("orbitscope.paints")
    page.page.wait_for_timeout(300)
    assert page.get("orbitscope.paints") == painted
    moving = Opened(browser, orbit.path / "player.html", reduced_motion="no-preference")
    painted = moving.get("orbitscope.paints")
    moving.until(f"orbitscope.paints > {painted} + 2")
    moving.close()


@pytest.mark.parametrize("width", [360, 820, 1440])
def test_everything_is_within_reach_at_any_width(page, width):
    page.page.set_viewport_size({"width": width, "height": 740})
    page.page.wait_for_timeout(100)
    assert page.get("document.documentElement.scrollWidth") <= width
    for button in page.page.locator("button:visible, select:visible").all():
        box = button.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= 740
        assert min(box["width"], box["height"]) >= 32
        assert button.get_attribute("aria-label") or button.inner_text().strip()


def test_the_page_is_walked_through_by_the_keyboard(page):
    names = []
    for _ in range(13):
        page.page.keyboard.press("Tab")
        names.append(page.get("document.activeElement.getAttribute('aria-label')"))
    order = ["Reset the view", "Help", "Position in the recording", "Play", "Speed", "Colour by", "Settings"]
    names = names[names.index(order[0]) :] + names[: names.index(order[0])]  # from wherever the focus was before
    places = [names.index(name) for name in order]
    assert places == sorted(places)


def test_a_sound_that_cannot_be_played_leaves_the_picture(browser, orbit, folder):
    text = (orbit.path / "player.html").read_text("utf-8")
    head, _, rest = text.partition('<script type="application/octet-stream" id="sound">')
    broken = folder / "broken.html"
    broken.write_text(f'{head}<script type="application/octet-stream" id="sound">AAAA{rest[rest.index("</script>") :]}')
    page = Opened(browser, broken)
    page.until("orbitscope.transport.soundFailed")
    page.page.keyboard.press(" ")
    page.until("orbitscope.drawnS > 0.3")
    assert "cannot play the sound" in page.page.locator(".toast").inner_text()
    page.close()
