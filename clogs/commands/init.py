"""``clogs init``: a settings file to start from."""

from __future__ import annotations

from pathlib import Path

from clogs.commands.session import Flag, Session
from clogs.errors import UsageError
from clogs.files import bundled, write_content
from clogs.settings.sources import FILE_NAME


def init(*, path: Path = Path(FILE_NAME), force: Flag = False, session: Session) -> None:
    """Write a clogs.toml that explains every key, each at its default.

    Args:
        path: Where to write it; in a folder it is named clogs.toml.
        force: Replace an existing file.
    """
    target = path / FILE_NAME if path.is_dir() else path
    if target.exists() and not force:
        raise UsageError(
            f"{target} already exists.", hint="Replace it with --force, or choose another --path."
        )
    write_content(target, bundled(FILE_NAME).read_bytes())
    option = "" if target == Path(FILE_NAME) else f" --config {target}"
    session.terminal.say(f"Wrote {target}. Set mongo.uri in it, or source.paths to read transcripts.")
    session.terminal.say(f"Then check it with: clogs doctor{option}; and run: clogs pipeline{option}")
