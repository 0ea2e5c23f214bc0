"""Folders and files that are whole or not there: written aside, brought to the disk, then renamed."""

import errno
import hashlib
import os
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from ._text import plain
from .errors import StoreError

_REMEDIES = {
    errno.ENOSPC: "free some space, or choose another place",
    errno.EDQUOT: "free some space, or choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
}
_OTHER_PLACE = "choose a place that you may write to"


@contextmanager
def new_folder(
    path: str | Path, *, is_ours: Callable[[Path], bool], required: Sequence[str], overwrite: bool = True
) -> Iterator[Path]:
    """Lend a hidden sibling of ``path`` to write into; at the end of the block it becomes ``path``, at an error it
    vanishes. What stands at ``path`` is replaced only if ``is_ours`` and ``overwrite``; the files ``required`` must be
    there at the end.

    Raises
    ------
    StoreError
        ``path`` is taken, cannot be written, or the disk is full.
    """
    path = Path(path)
    target = Path(os.path.realpath(path))
    workspace = target.with_name(f"{_workspace_prefix(target)}{os.getpid()}-{secrets.token_hex(4)}")
    new = workspace / "new"
    try:
        with writing(path):
            _check_free(path, is_ours, overwrite)
            target.parent.mkdir(parents=True, exist_ok=True)
            _clear_leftovers(target)
            new.mkdir(parents=True)
        with _naming(path, instead_of=new):
            yield new
        with writing(path):
            _check_whole(new, path, required)
            _sync_all(new)
            _exchange(workspace, target, path, is_ours, overwrite)
    finally:
        _clear(workspace, target)


def _workspace_prefix(target):
    """How the hidden siblings of ``target`` begin: short for any name, and apart for each machine, since a process id
    says nothing about another machine's processes."""
    digest = hashlib.sha256(os.fsencode(f"{socket.gethostname()}\n{target.name}")).hexdigest()
    return f".orbitscope-{digest[:12]}-"


def _clear_leftovers(target):
    """Remove what killed processes left beside ``target``."""
    for workspace in target.parent.glob(f"{_workspace_prefix(target)}*"):
        if not _is_running(workspace.name.split("-")[2]):
            _clear(workspace, target)


def _clear(workspace, target):
    """Remove a workspace; an orbit that was set aside in it goes back if its place is empty."""
    old = workspace / "old"
    if old.exists() and not os.path.lexists(target):
        with suppress(OSError):
            old.rename(target)
    shutil.rmtree(workspace, ignore_errors=True)


def _is_running(process_id):
    if os.name == "nt":  # there, signal 0 would end the process instead of asking after it
        return True
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError, OverflowError):
        pass
    return True


def _check_free(path, is_ours, overwrite):
    if _is_foreign(path, is_ours):
        raise store_error(path, "it exists and is not a readable orbit folder", "move it away, or choose another name")
    if not overwrite and path.exists():
        raise store_error(path, "it exists already", "remove it, or choose another name")


def _is_foreign(path, is_ours):
    """Whether something that is no orbit goes by the name ``path``. Another writer may exchange one orbit for another
    meanwhile, so a look counts only if it saw one and the same thing throughout."""
    for _ in range(100):
        try:
            before, known, after = os.stat(path), is_ours(path), os.stat(path)
        except OSError:
            return False
        if known:
            return False
        if (before.st_ino, before.st_ctime_ns) == (after.st_ino, after.st_ctime_ns):
            break
    return True


def _check_whole(folder, path, required):
    for name in required:
        if not (folder / name).is_file():
            raise store_error(path / name, "it was not written, so the orbit is not kept", "please report this")


def _exchange(workspace, target, path, is_ours, overwrite):
    """Give the new folder the name ``target``. Between the two renames nothing goes by that name, and another writer
    may take it: then its orbit, whole too, is set aside in turn."""
    for attempts_left in reversed(range(100)):
        _check_free(path, is_ours, overwrite)
        try:
            if overwrite and target.exists():
                with suppress(FileNotFoundError):  # another writer has it set aside at this moment
                    target.rename(workspace / "old")
            (workspace / "new").rename(target)
            break
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or not attempts_left:
                raise
            shutil.rmtree(workspace / "old", ignore_errors=True)
    sync(target.parent)


def _sync_all(folder):
    for parent, _, names in os.walk(folder):
        for name in (*names, "."):
            sync(Path(parent, name))


def sync(path):
    """Wait until ``path`` is on the disk; folders too, where the system can."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write(path, content, shown=None):
    with writing(shown or path):
        path.write_bytes(content)


def replace(path, content):
    """Write ``content`` to ``path``, whole or not at all; an existing file is replaced."""
    path = Path(path)
    new = path.with_name(f".orbitscope-{os.getpid()}-{secrets.token_hex(4)}.new")
    try:
        with writing(path):
            write(new, content, shown=path)
            sync(new)
            new.replace(path)
    finally:
        with suppress(OSError):
            new.unlink()


@contextmanager
def writing(path):
    """Turn what the system says about writing ``path`` into a StoreError."""
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from error


@contextmanager
def _naming(path, instead_of):
    """Let errors of writing inside the lent folder speak of ``path``; errors that are not about it pass as they are."""
    try:
        yield
    except StoreError as error:
        raise StoreError(str(error).replace(str(instead_of), str(path))) from error
    except OSError as error:
        file = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None
        if file is not None and file.is_relative_to(instead_of):
            raise _unwritable(path / file.relative_to(instead_of), error) from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise _unwritable(path, error) from error
        raise


def _unwritable(path, error):
    return store_error(
        path, f"it cannot be written: {error.strerror or error}", _REMEDIES.get(error.errno, _OTHER_PLACE)
    )


def store_error(file, reason, remedy):
    """A StoreError of one line; what came from a file is cut short and cannot steer the terminal."""
    return StoreError(f"{plain(file)}: {plain(reason, 200)}; {remedy}")
