"""What the pages share: their policy, their style, and how texts are written into them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template

from clogs.terminal.text import count, instant, percent, printable, shortened, size

INDEX, REPORT = "index.html", "report.html"
"""The pages of `clogs validate --build-docs` and of `clogs report --html`; in one folder, they are linked."""


@dataclass(frozen=True, slots=True)
class InlineAsset:
    """A style or a script of a page, and the hash by which its policy allows it."""

    source: str

    @property
    def hash(self) -> str:
        """SHA-256, in base 64."""
        return b64encode(sha256(self.source.encode()).digest()).decode()


def template(package: str, *, style: Sequence[str], scripts: Sequence[str]) -> Template:
    """Read a package's page; its policy allows this style, these scripts, and nothing else."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("clogs.datadocs")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_without_control_characters,
    )
    environment.filters |= {each.__name__: each for each in (count, instant, percent, shortened, size)}
    whole = "".join(style)
    environment.globals |= {
        "style": whole,
        "style_hash": InlineAsset(whole).hash,
        "scripts": [InlineAsset(each) for each in scripts],
    }
    return environment.get_template("page.html.jinja")


def bundled_text(package: str, name: str) -> str:
    """Read a file among a package's templates."""
    return files(package).joinpath("templates", name).read_text(encoding="utf-8")


def _without_control_characters(value: Any) -> Any:  # noqa: ANN401  # whatever stands in a template
    """Make a text printable, unless it is markup already."""
    return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
