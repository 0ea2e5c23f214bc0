"""JAX as this package uses it: compiled programs are kept in the user's cache folder from run to run."""

import os
from functools import cache
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Where compiled programs are kept: ``$ORBITSCOPE_CACHE_DIR``, or the user's cache folder."""
    return Path(os.environ.get("ORBITSCOPE_CACHE_DIR") or platformdirs.user_cache_dir("orbitscope"))


@cache
def keep_compiled_programs() -> None:
    """Turn JAX's persistent compilation cache on, unless the user has set one up."""
    import jax

    if jax.config.jax_compilation_cache_dir is None:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "jax"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
