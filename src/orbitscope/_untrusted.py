"""Files that may hold anything: whatever is wrong with one is a StoreError of one line that names it and the remedy."""

import json
from contextlib import contextmanager

import numpy as np

from ._atomic import store_error

RUN_AGAIN = "make it anew with orbitscope run"


@contextmanager
def reading(file, remedy=RUN_AGAIN):
    """Turn whatever a parser says about damaged bytes into a StoreError: zipfile, numpy and safetensors between them
    raise more than a dozen kinds of exception."""
    try:
        yield
    except Exception as error:
        raise _damaged(file, error, remedy) from error


@contextmanager
def opened(file, remedy=RUN_AGAIN):
    """The arrays of an .npz file; what goes wrong with them in the block is a StoreError."""
    with reading(file, remedy), np.load(file, allow_pickle=False) as archive:
        if sum(member.file_size for member in archive.zip.infolist()) > file.stat().st_size:
            raise ValueError("it claims to hold more than its size")
        yield archive


def parse_json(content, file):
    with reading(file):
        value = json.loads(content)
    need(isinstance(value, dict), file, "it holds no JSON object")
    return value


def need_file(file):
    if not file.is_file():
        raise store_error(file, "there is no such file", RUN_AGAIN)


def need(condition, file, reason, remedy=RUN_AGAIN):
    if not condition:
        raise _damaged(file, reason, remedy)


def _damaged(file, reason, remedy):
    return store_error(file, f"it is damaged or cannot be read ({reason})", remedy)
