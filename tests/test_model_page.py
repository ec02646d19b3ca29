"""docs/models.md is what the models say, and they say something of each table and column."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from model_page import COMMAND, PAGE, page, tables

pytestmark = pytest.mark.slow

SENTENCES = re.compile(r"[A-Z0-9][^\n]*\.")
"""How a description is written; a remark on how something is done begins with a small letter."""


def descriptions() -> dict[str, str]:
    """What is said of each table and each column."""
    columns = {f"{table.name}.{column.name}": column for table in tables() for column in table.columns}
    return {each.name: each.description for each in tables()} | {
        name: column.description for name, column in columns.items()
    }


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), f"The models say something else. Run: {COMMAND}"


def test_it_holds_every_model(project: Path) -> None:
    files = (project / "transforms" / "models").rglob("*.sql")
    assert {table.name for table in tables()} == {f"{file.parent.name}.{file.stem}" for file in files}


def test_every_link_leads_to_a_heading() -> None:
    links = set(re.findall(r"\(#(.+?)\)", page()))
    assert links == {heading.replace(".", "") for heading in re.findall(r"^### (.+)$", page(), re.MULTILINE)}


def test_only_a_step_has_no_columns() -> None:
    assert [table.name for table in tables() if not table.columns] == ["bronze.unwrapped"]


def test_a_key_is_made_of_columns() -> None:
    columns = {table.name: [column.name for column in table.columns] for table in tables()}
    assert [table.name for table in tables() if not set(table.key) <= set(columns[table.name])] == []


def test_everything_has_a_description() -> None:
    assert [name for name, text in descriptions().items() if not SENTENCES.fullmatch(text)] == []


def test_no_description_is_two_comments_in_one() -> None:
    assert [name for name, text in descriptions().items() if re.search(r"/\*|\*/|--", text)] == []
