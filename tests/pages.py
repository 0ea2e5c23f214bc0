"""Pages of the player as Python sees them: made of synthetic paths and sounds, and taken apart again."""

import base64
import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from orbitscope._scene import Coloring, Strip
from orbitscope.scenes import bare_scene
from orbitscope.types import Frames, Source, Trajectory

HOP_S = 1024 / 44_100
DTYPES = {"f32": "<f4", "u8": "u1", "u32": "<u4"}


def walk(points, dims=3, seed=0):
    return np.random.default_rng(seed).normal(size=(points, dims)).cumsum(axis=0).astype(np.float32)


def trajectory(points=300, dims=3, seed=0, **source):
    return Trajectory(walk(points, dims, seed), HOP_S, 22 * HOP_S, 0.25, Source(**source))


def with_sound(file, seconds, content=b"sound"):
    """A scene as of a recording of some length, whose sound and spectrogram are noise."""
    frames = round(seconds / HOP_S) - 1
    file.write_bytes(content)
    random = np.random.default_rng(0)
    values = random.random((frames, 96), np.float32)
    mel = Frames(values, HOP_S, HOP_S, "mel", np.geomspace(20, 11_000, 96))
    strip = Strip(mel, -60 * random.random(frames, np.float32))
    scene = bare_scene(trajectory(frames - 21))
    levels = random.random(frames - 21, np.float32)
    more = tuple(Coloring(name, name, "", levels, 0.0, 1.0) for name in ("loudness", "brightness"))
    return replace(scene, sound=file, duration_s=seconds, strip=strip, colorings=(*scene.colorings, *more))


class Page(HTMLParser):
    """The elements of a page, their attributes, the text directly in them, and the comments between them."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts, self.comments, self._within = [], [], [], [], False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes.append(dict(attributes))
        self.texts.append("")
        self._within = True

    def handle_endtag(self, tag):
        self._within = False

    def handle_data(self, data):
        if self._within:
            self.texts[-1] += data

    def handle_comment(self, comment):
        self.comments.append(comment)

    def text(self, tag, **attributes):
        (found,) = [
            text
            for name, has, text in zip(self.tags, self.attributes, self.texts, strict=True)
            if name == tag and attributes.items() <= has.items()
        ]
        return found

    @property
    def data(self):
        return json.loads(self.text("script", id="data"), parse_constant=pytest.fail)


def array(numbers):
    found = np.frombuffer(base64.b64decode(numbers["data"], validate=True), DTYPES[numbers["dtype"]])
    return found.reshape(numbers["shape"])
