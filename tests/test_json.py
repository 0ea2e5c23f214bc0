"""JSON that any other program reads, whatever numbers and names it is given."""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from orbitscope._json import to_bytes, to_json


def strictly(text):
    """What a parser without extensions reads."""
    return json.loads(text, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    "value, read",
    [
        (float("nan"), None),
        (float("-inf"), None),
        (np.float32("inf"), None),
        (np.float64(0.1), 0.1),
        (np.float32(0.5), 0.5),
        (np.int64(-3), -3),
        (np.bool_(True), True),
        (np.array([[1.0, np.nan], [np.inf, 2.0]]), [[1, None], [None, 2]]),
        (np.array(7), 7),
        (np.zeros((0, 3)), []),
        (jnp.array([1.5, jnp.nan]), [1.5, None]),
        ((1, (2.0, float("nan"))), [1, [2, None]]),
        ({"a": {"b": [np.nan, "x"]}}, {"a": {"b": [None, "x"]}}),
        (Path("a/b é.wav"), "a/b é.wav"),
        ([None, True, 0, ""], [None, True, 0, ""]),
        (1e308, 1e308),
        (2**70, 2**70),
    ],
)
def test_every_value_comes_back_as_plain_json(value, read):
    for text in (to_json(value), to_json(value, ascii=True), to_bytes(value)):
        assert strictly(text) == read
    assert type(strictly(to_json(value))) is type(read)


def test_floats_lose_no_digit():
    values = np.random.default_rng(0).normal(size=1000) * 10.0 ** np.arange(-150, 150).repeat(4)[:1000]
    assert strictly(to_json(values)) == values.tolist()
    assert np.array_equal(np.float32(strictly(to_json(np.float32(values[:700])))), np.float32(values[:700]))


def test_keys_are_sorted_and_the_value_is_left_as_it_is():
    value = {"b": [np.nan], "a": {"d": 1, "c": 2}}
    assert to_json(value) == '{"a": {"c": 2, "d": 1}, "b": [null]}'
    assert list(value) == ["b", "a"] and np.isnan(value["b"][0])
    assert to_json(value, indent=2) == json.dumps({"a": {"c": 2, "d": 1}, "b": [None]}, indent=2)


@pytest.mark.parametrize("text", ["é中😀", "a\udcff\udc80.wav", '"\\\n\x1b\x00', "\u2028</script>"])
def test_any_file_name_survives(text):
    content = to_bytes({text: text})
    content.decode("utf-8")
    assert strictly(content) == {text: text}
    line = to_json({text: text}, ascii=True)
    assert line.isascii() and line.isprintable() and strictly(line) == {text: text}


def test_letters_of_the_world_stay_readable_in_files():
    assert to_bytes("Café 東京") == '"Café 東京"'.encode()


@pytest.mark.parametrize("value", [{1, 2}, object(), b"bytes", 1j])
def test_what_json_has_no_word_for_is_refused(value):
    with pytest.raises(TypeError):
        to_json({"a": value})
