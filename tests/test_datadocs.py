"""The page holds what there is, and nothing leaks."""

import html
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from datadocs_cases import AT, check, documented, past

from clogs import warehouse
from clogs.datadocs.page import history
from clogs.datadocs.profile import tables
from clogs.schema import COLUMNS


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return documented(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="module")
def source(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def samples(page: Path) -> Iterator[warehouse.Connection]:
    with warehouse.connect(page.parents[2] / "data" / "clogs.duckdb", read_only=True) as connection:
        yield connection


def test_the_page_holds_every_table_and_column(source: str, samples: warehouse.Connection) -> None:
    articles = dict(re.findall(r'<article id="(.+?)" class="table">(.*?)</article>', source, re.DOTALL))
    found = {
        (name, column)
        for name, article in articles.items()
        for column in re.findall(r'<th scope="row"[^>]*><code>(.+?)</code>', article)
    }
    expected = samples.execute("""
        SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns()
        WHERE schema_name IN ('bronze', 'silver', 'gold')
            OR table_name = 'conversations' AND schema_name = 'raw'
    """).fetchall()
    assert len(expected) > 400
    assert found == set(expected)
    assert set(articles) - {name for name, _ in expected} == {"bronze.unwrapped"}
    assert "cannot read" not in source


def test_every_column_is_described(samples: warehouse.Connection) -> None:
    found = tables(samples)
    assert [table.name for table in found if not table.description] == []
    assert [
        (table.name, column.name) for table in found for column in table.columns if not column.description
    ] == []


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_a_description_is_a_sentence(column: object) -> None:
    assert re.fullmatch(r"[A-Z][^\n]*\.", getattr(column, "description", ""))


def test_hostile_texts_are_only_text(source: str) -> None:
    assert "</script><script>alert" not in source
    assert "\x1b" not in source
    assert "\u202e" not in source
    assert "&lt;/script&gt;&lt;script&gt;alert(&#34;1&#34;)" in source
    assert "b" * 200 not in source


def test_what_people_wrote_is_not_in_it(source: str, samples: warehouse.Connection) -> None:
    page = html.unescape(source)
    written = samples.execute("""
        SELECT message_content FROM raw.conversations UNION SELECT title FROM gold.dim_sessions
        UNION SELECT message_raw FROM raw.conversations UNION SELECT entry_raw FROM raw.conversations
    """).fetchall()
    lines = {line.strip() for (value,) in written if value for line in value.splitlines()}
    assert len(lines) > 100
    assert [line for line in lines if len(line) > 20 and line in page] == []


def test_nothing_is_loaded(source: str) -> None:
    loaded = re.findall(r"""(?:src|href|action|data|poster)=["'](.*?)["']|url\((.*?)\)|@import""", source)
    assert {target for target, _ in loaded if not target.startswith(("#", "data:image/svg+xml"))} <= {""}
    assert "http://" not in re.sub(r'xmlns(:\w+)?=["\']http://www.w3.org/\w+/\w+["\']', "", source)
    assert "https://" not in source


@pytest.mark.parametrize("element", ["style", "script"])
def test_the_policy_knows_what_it_lets_in(source: str, element: str) -> None:
    (inside,) = re.findall(rf"<{element}>(.*?)</{element}>", source, re.DOTALL)
    assert f"{element}-src 'sha256-{b64encode(sha256(inside.encode()).digest()).decode()}'" in source
    assert "default-src 'none'" in source
    assert not re.search(r'<[^>]* (style|on\w+)="', source)


def test_every_link_has_a_target(source: str) -> None:
    links = set(re.findall(r'href="#(.*?)"', source))
    targets = re.findall(r' id="(.*?)"', source)
    assert links - set(targets) == set()
    assert len(targets) == len(set(targets))


def test_the_page_is_its_owners_alone(page: Path) -> None:
    assert page.name == "index.html"
    assert page.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in page.parent.iterdir()] == ["index.html"]


def test_the_page_opens_with_what_the_warehouse_holds(source: str, samples: warehouse.Connection) -> None:
    figures = dict(re.findall(r"<dt>(\w+)</dt><dd>(.+?)</dd></div>", source.partition("<section")[0]))
    ((documents, days, sessions, projects),) = samples.execute("""
        SELECT count(*), min(date) || ' to ' || max(date),
            (SELECT count(*) FROM gold.dim_sessions), (SELECT count(*) FROM gold.dim_projects)
        FROM raw.conversations
    """).fetchall()
    assert figures.pop("File").endswith(" MiB")
    assert figures == {
        "Documents": f"{documents:,}",
        "Days": days,
        "Sessions": str(sessions),
        "Projects": str(projects),
        "Tables": "30",
        "Columns": "559",
    }
    assert re.search(r"Documents per (day|week|month)\.", source)


def test_lineage_says_what_a_model_is_built_from(source: str) -> None:
    lineage = source.partition('<section id="lineage"')[2].partition('<section id="checks"')[0]
    assert re.findall(r"<h3>(\w+)</h3>", lineage) == ["raw", "bronze", "silver", "gold"]
    (parents,) = re.findall(r'href="#silver.int_tool_usage">int_tool_usage</a><p>from (.*?)</p>', lineage)
    assert re.findall(r">(\w+)<", parents) == ["seed_tool_categories", "stg_tool_calls", "stg_tool_results"]


def test_history_ends_with_now() -> None:
    now = check("gold.t", tolerated=0.01, failing=7)
    results = [past(day, 5, "warned" if day == 58 else "passed") for day in range(60)]
    assert history(now, results, AT) == "40 validations, 1 not passed; at most 0.7% of the rows failed."


def test_history_leaves_out_what_came_later() -> None:
    assert history(check("gold.t", failing=1), [past(90, 9, "failed")], AT) == ""
    assert (
        history(check("gold.t", failing=1), [past(1, 5, "failed"), past(90, 9, "failed")], AT)
        == "2 validations, 2 not passed; at most 0.5% of the rows failed."
    )
