"""Values as strict JSON: what is no finite number becomes null, arrays become lists, any file name survives."""

import json
import math
from pathlib import Path


def to_json(value, *, indent: int | None = None, ascii: bool = False) -> str:
    """Strict JSON, keys sorted; lone surrogates of a file name are left to :func:`to_bytes`."""
    return json.dumps(_finite(value), indent=indent, sort_keys=True, ensure_ascii=ascii, allow_nan=False)


def to_bytes(value, *, indent: int | None = None) -> bytes:
    """The same in UTF-8. Lone surrogates, of a file name that is no UTF-8, become JSON escapes and come back."""
    return to_json(value, indent=indent).encode("utf-8", "backslashreplace")


def _finite(value):
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if hasattr(value, "tolist"):  # of NumPy
        return _finite(value.tolist())
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
