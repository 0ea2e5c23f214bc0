"""What can go wrong, in one line each: what was wrong, with which file or option, and what to do about it."""


class OrbitscopeError(Exception):
    """Base of every error that Orbitscope raises on purpose; its text is fit to be shown to a user."""


class InputError(OrbitscopeError, ValueError):
    """An option, an array or a file's content that cannot be used as given."""


class MediaError(InputError):
    """A file that cannot be opened or decoded."""


class StoreError(OrbitscopeError):
    """An orbit folder that cannot be written or read."""


class TrainingError(OrbitscopeError):
    """A training run that cannot go on, such as one that diverged."""


class OrbitscopeWarning(UserWarning):
    """Something a user should know that did not stop the work."""
