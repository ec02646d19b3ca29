"""Where values come from: the settings file, the environment and the command line."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from platformdirs import user_config_path

from clogs.errors import SettingsError
from clogs.settings.model import known_keys

FILE_NAME = "clogs.toml"


class SettingsFile(Struct, frozen=True):
    """A settings file: its text, to find lines in, and the TOML read from it."""

    path: Path
    text: str
    document: Mapping[str, object]

    def location(self, key: str) -> str:
        """Name the file and the line of a key, else of the table it stands in, where that is found."""
        section, nearest, line = "", "", 0
        for number, text in enumerate(self.text.splitlines(), start=1):
            plain = re.sub(r"[\"']", "", text.partition("=")[0])
            header = re.match(r"\s*\[\s*([\w.]+?)\s*\]", plain)
            written = re.fullmatch(r"\s*([\w.]+)\s*", plain) if "=" in text else None
            section = header[1] if header else section
            found = f"{section}.{written[1]}".lstrip(".") if written else section if header else ""
            if len(found) > len(nearest) and f"{key}.".startswith(f"{found}."):
                nearest, line = found, number
        return f"{self.path} line {line}" if line else str(self.path)


class RawValue(Struct, frozen=True):
    """A value as somebody wrote it in TOML, a variable or a flag."""

    written: object
    origin: str  # the file's path, environment variable X or flag --x
    folder: Path  # what a relative path starts at
    is_text: bool = False  # numbers and lists must be read out of text


def find_file(config: Path | None, environ: Mapping[str, str], cwd: Path) -> SettingsFile | None:
    """Read the first settings file of: ``config``, $CLOGS_CONFIG, ./clogs.toml and the user's.

    Raises:
        SettingsError: One that was named does not exist, or the file cannot be read or is not TOML.
    """
    named = str(config or environ.get("CLOGS_CONFIG", ""))
    if not named:
        found = _read(cwd / FILE_NAME)
        with suppress(RuntimeError):  # this user has no home folder
            found = found or _read(user_config_path("clogs") / FILE_NAME)
        return found
    path = cwd / os.path.expanduser(named)  # noqa: PTH111  # a ~ of nobody stays as it is, and is not found
    if found := _read(path):
        return found
    origin = "--config" if config else "environment variable CLOGS_CONFIG"
    raise SettingsError(
        f"The settings file {path} does not exist ({origin}).",
        hint=f"Write one with: clogs init --path {path}",
    )


def environment_name(key: str) -> str:
    """Name the environment variable of a key: ``MONGO_URI`` for ``mongo.uri``."""
    return key.replace(".", "_").upper()


def raw_values(
    file: SettingsFile | None,
    environ: Mapping[str, str],
    flags: Mapping[str, tuple[str, object]],
    cwd: Path,
) -> dict[str, RawValue]:
    """Collect what is set, by key: a flag beats the environment, which beats the file.

    An empty variable sets nothing, and unknown keys of the file are left out.
    """
    found: dict[str, RawValue] = {}
    if file:
        for section, content in file.document.items():
            for name, value in content.items() if isinstance(content, dict) else ():
                found[f"{section}.{name}"] = RawValue(value, str(file.path), file.path.parent)
    for key in known_keys():
        variable = environment_name(key)
        if text := environ.get(variable, "").strip():
            found[key] = RawValue(text, f"environment variable {variable}", cwd, is_text=True)
    for key, (flag, value) in flags.items():
        found[key] = RawValue(value, f"flag {flag}", cwd, is_text=isinstance(value, str))
    return {key: found[key] for key in found if key in known_keys()}


def _read(path: Path) -> SettingsFile | None:
    try:
        text = path.read_text(encoding="utf-8")
        return SettingsFile(path, text, tomllib.loads(text))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise SettingsError(
            f"Cannot read the settings file {path}: {exc.strerror}.",
            hint="Fix its permissions, or name another file with --config.",
        ) from exc
    except UnicodeDecodeError as exc:
        raise SettingsError(f"The settings file {path} is not UTF-8 text.", hint="Save it as UTF-8.") from exc
    except tomllib.TOMLDecodeError as exc:
        # Its message may quote a password, so only the place is passed on.
        where = re.search(r"at line \d+, column \d+|at end of document", str(exc))
        raise SettingsError(
            f"The settings file {path} is not valid TOML{f' {where[0]}' if where else ''}.",
            hint="Text needs quotes, and each key and each section may appear only once.",
        ) from exc
