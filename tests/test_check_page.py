"""docs/checks.md is what the suites say, and no two of them share a name."""

from __future__ import annotations

from pathlib import Path

from check_page import COMMAND, PAGE, page

from clogs.checks.suites import CHECKS, SUITES


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), f"The suites say something else. Run: {COMMAND}"


def test_no_two_checks_share_a_name() -> None:
    assert len(CHECKS) == sum(len(suite.checks) for suite in SUITES)
    assert len({suite.name for suite in SUITES}) == len(SUITES)


def test_descriptions_fit_into_a_table() -> None:
    assert [name for name, check in CHECKS.items() if "|" in check.description or not check.description] == []
    assert [suite.name for suite in SUITES if not suite.about] == []


def test_the_readme_counts_them(project: Path) -> None:
    assert f"[{len(CHECKS)} checks](docs/checks.md)" in (project / "README.md").read_text(encoding="utf-8")
