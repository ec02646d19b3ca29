"""Every error that clogs raises on purpose, and the exit code each one ends with.

::

    ClogsError                 1   any other failure
    ├── ModelsError                SQLMesh cannot read the models
    ├── UsageError             2   the command line asks for something that cannot be done
    ├── DataError             65   documents or tables failed their checks
    ├── UnavailableError      69   the source, the landing's bucket, the warehouse or Spark cannot be reached
    │   ├── SourceError            MongoDB
    │   │   ├── TransientSourceError   a temporary fault, worth a retry
    │   │   ├── NoChangesError         there is no change stream for this collection and user
    │   │   └── LostChangesError       the change stream cannot go on from where the last run ended
    │   ├── SilentBucketError      the landing's bucket does not answer
    │   └── WarehouseError         the DuckDB file
    │       ├── HeldWarehouseError     another program has it open: worth waiting for
    │       └── DamagedWarehouseError  it was written only in part: it can be rebuilt
    ├── LockedError           75   another run holds the lock
    └── SettingsError         78   bad settings, all of them listed

Drivers' errors are mapped to these in the one package that imports the driver. A message says what
failed and where; its hint is the next thing to do. Neither ever holds a secret.
"""

from __future__ import annotations

from typing import ClassVar

from clogs.terminal.text import unicode


class ClogsError(Exception):
    """The root of the tree: a failure that users see as a message and a hint, without a traceback."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = unicode(message)
        super().__init__(self.message)
        self.hint = hint and unicode(hint)


class ModelsError(ClogsError):
    """SQLMesh cannot read the models."""


class UsageError(ClogsError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class DataError(ClogsError):
    """Documents, files or tables failed their checks; the good ones were kept."""

    exit_code = 65


class UnavailableError(ClogsError):
    """Something clogs needs from outside cannot be reached."""

    exit_code = 69


class SourceError(UnavailableError):
    """MongoDB cannot be reached or refuses, and waiting would not help."""


class TransientSourceError(SourceError):
    """A temporary fault of MongoDB: a network blip, an election, a lost cursor."""


class NoChangesError(SourceError):
    """The deployment, the collection or, where ``is_refused``, the user has no change streams."""

    def __init__(self, message: str, *, hint: str | None = None, is_refused: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.is_refused = is_refused


class LostChangesError(SourceError):
    """A change stream has ended, or does not reach back to its token: what changed is found otherwise."""


class SilentBucketError(UnavailableError):
    """The landing's bucket does not answer, or only with a fault of its own: no object there can be read."""


class WarehouseError(UnavailableError):
    """The DuckDB file cannot be opened, or is not a warehouse of clogs."""


class HeldWarehouseError(WarehouseError):
    """Another program has the DuckDB file open; ``pid`` is its process, if known."""

    def __init__(self, message: str, *, hint: str | None = None, pid: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.pid = pid


class DamagedWarehouseError(WarehouseError):
    """A part of the DuckDB file does not hold what was written there."""


class LockedError(ClogsError):
    """Another run holds the lock."""

    exit_code = 75


class SettingsError(ClogsError):
    """The settings are wrong; the message lists every fault with its origin."""

    exit_code = 78
