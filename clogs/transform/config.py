"""Settings of the transform stage."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from clogs.errors import ModelsError
from clogs.files import make_private_dir
from clogs.prices import BUNDLED, price_list


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformConfig:
    """Settings of the transform stage."""

    warehouse: Path
    models_dir: Path
    cache_dir: Path
    timezone: str
    threads: int
    # None for 2 GB, or less on a small machine
    memory_limit: str | None = None
    extra_models: Path | None = None
    # prices that come before the bundled ones
    prices: Path | None = None
    lock_timeout: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        """Require extra models where a folder for them is named.

        Raises:
            ModelsError: The folder has no models.
        """
        if self.extra_models and not (self.extra_models / "models").is_dir():
            raise ModelsError(
                f"{self.extra_models} has no folder of models.",
                hint="Put SQL models into its folder models, or unset transform.extra_models.",
            )

    @property
    def folders(self) -> list[Path]:
        """The folders of models."""
        return [self.models_dir, *([self.extra_models] if self.extra_models else [])]

    @property
    def digest(self) -> str:
        """A digest of all that the models are made of, in hex digits."""
        prices = self.price_list if self.prices else ""
        return hashlib.sha256(f"{_digest_of(self.folders)} {prices}".encode()).hexdigest()

    @property
    def price_list(self) -> str:
        """The prices that hold, as CSV text.

        Raises:
            SettingsError: The user's own list has faults.
        """
        return price_list(self.models_dir / BUNDLED, self.prices)

    @property
    def cache(self) -> Path:
        """A cache folder for these models and seeds, created if missing.

        SQLMesh recognizes a parsed file by its modification time, which an upgrade can leave as it was.
        """
        return make_private_dir(self.cache_dir / _digest_of(self.folders)[:16])


def _digest_of(folders: list[Path]) -> str:
    """A digest of the names and contents of all files, in hex digits."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*.*")):
            if path.is_file():
                digest.update(f"{path.relative_to(folder)}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
