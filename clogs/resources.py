"""Where the files that come with clogs stand."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def bundled(name: str) -> Path:
    """Find a file or folder that ships with clogs: ``clogs.toml`` or ``transforms``.

    A wheel holds them inside the package; in a checkout, and so in an editable install, they stand
    next to it.

    Args:
        name: Its name at the top level of the repository.

    Returns:
        Its absolute path.
    """
    installed = _PACKAGE / name
    return installed if installed.exists() else _PACKAGE.parent / name
