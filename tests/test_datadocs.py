"""The page holds what there is, and nothing leaks."""

import html
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from datadocs_cases import documented

from clogs import warehouse
from clogs.datadocs import profile
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
        for column in re.findall(r'<th scope="row"><code>(.+?)</code>', article)
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
    found = [profile(samples, name) for name in tables(samples)]
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
    assert "http://" not in source.replace("http://www.w3.org/2000/svg", "")
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
