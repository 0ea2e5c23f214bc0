"""Options in their ranges, and one way to refuse those that are not."""

import math
from numbers import Integral, Real

from .errors import InputError


def check_whole(name: str, value, least: int) -> None:
    """InputError unless ``value`` is a whole number from ``least``."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise InputError(f"{name} is {value!r}; it must be a whole number from {least}")


def check_number(name: str, value, least: float) -> None:
    """InputError unless ``value`` is a finite number from ``least``."""
    if isinstance(value, bool) or not isinstance(value, Real) or not least <= value < math.inf:
        raise InputError(f"{name} is {value!r}; it must be a number from {least}")
