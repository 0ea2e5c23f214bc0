"""Functions that are compiled before they run."""

import numba


def compiled(function):
    """Numba's machine code of a function, free of the interpreter's lock, kept on disk where there is room."""
    try:
        return numba.njit(function, nogil=True, cache=True, fastmath={"contract", "arcp", "nsz"})
    except RuntimeError:  # neither the package's folder nor the user's can be written
        return numba.njit(function, nogil=True, fastmath={"contract", "arcp", "nsz"})
