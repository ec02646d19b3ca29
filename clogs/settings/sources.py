"""Where values are given: the settings file, the environment and the command line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from platformdirs import user_config_path

from clogs.errors import SettingsError

FILE_NAME = "clogs.toml"


class Given(Struct, frozen=True):
    """A value as somebody wrote it.

    Attributes:
        value: The value: TOML's, the environment's text, or a flag's.
        origin: Where it stands, in words for people.
        folder: What a relative path in it is relative to.
        is_text: It is a variable's text, so that numbers and lists must be read out of it.
    """

    value: object
    origin: str
    folder: Path
    is_text: bool = False


class SettingsFile(Struct, frozen=True):
    """A settings file that was read.

    Attributes:
        path: Where it stands.
        text: What stands in it, to find lines in.
        document: Its TOML.
    """

    path: Path
    text: str
    document: Mapping[str, object]

    def place(self, key: str) -> str:
        """Name the file and, where it is found, the line of a key, else of the table it stands in."""
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


def find_file(config: Path | None, environ: Mapping[str, str], cwd: Path) -> SettingsFile | None:
    """Read the settings file: ``config``, $CLOGS_CONFIG, ./clogs.toml or the user's, the first that is there.

    Raises:
        SettingsError: One that was named is missing, or the file cannot be read or is not TOML.
    """
    named = config or (Path(environ["CLOGS_CONFIG"]) if environ.get("CLOGS_CONFIG") else None)
    if named:
        with suppress(RuntimeError):  # a ~ of nobody: the path stays as it is, and is not found
            named = named.expanduser()
        path = cwd / named
        origin = "--config" if config else "environment variable CLOGS_CONFIG"
        found = _read(path)
        if found is None:
            raise SettingsError(
                f"There is no settings file {path} ({origin}).",
                hint=f"Write one with: clogs init --path {path}",
            )
        return found
    found = _read(cwd / FILE_NAME)
    with suppress(RuntimeError):  # there is no home folder
        found = found or _read(user_config_path("clogs") / FILE_NAME)
    return found


def environment_name(key: str) -> str:
    """Name the environment variable of a key: ``MONGO_URI`` for ``mongo.uri``."""
    return key.replace(".", "_").upper()


def from_file(keys: Mapping[str, object], file: SettingsFile | None) -> Iterator[tuple[str, Given]]:
    """Pick the keys that the file sets; what is no key is told elsewhere."""
    if file is None:
        return
    for section, content in file.document.items():
        for name, value in content.items() if isinstance(content, dict) else ():
            if (key := f"{section}.{name}") in keys:
                yield key, Given(value, str(file.path), file.path.parent)


def from_environment(
    keys: Mapping[str, object], environ: Mapping[str, str], cwd: Path
) -> Iterator[tuple[str, Given]]:
    """Pick the keys that the environment sets; an empty variable is not set."""
    for key in keys:
        name = environment_name(key)
        if text := environ.get(name, "").strip():
            yield key, Given(text, f"environment variable {name}", cwd, is_text=True)


def from_flags(flags: Mapping[str, tuple[str, object]], cwd: Path) -> Iterator[tuple[str, Given]]:
    """Take the keys that flags set: each with the flag as it is shown, and its value."""
    for key, (flag, value) in flags.items():
        yield key, Given(value, f"flag {flag}", cwd, is_text=isinstance(value, str))


def _read(path: Path) -> SettingsFile | None:
    """Read a file; None if there is none."""
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
        # Its message may quote what stands in the file, so only the place is passed on.
        where = re.search(r"at line \d+, column \d+|at end of document", str(exc))
        raise SettingsError(
            f"The settings file {path} is not valid TOML{f' {where[0]}' if where else ''}.",
            hint="Text needs quotes, and a key or section may stand there once only.",
        ) from exc
