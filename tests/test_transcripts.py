"""Which files are transcripts, and which entries stand in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from clogs.errors import UsageError
from clogs.transcripts.find import find, transcript_at
from clogs.transcripts.read import FilePosition, Line, read_batches

pytestmark = pytest.mark.every_python

FILES = (
    "projects/-home-me-app/one.jsonl",
    "projects/-home-me-app/agent-2.jsonl",
    "projects/-home-me-app/one/subagents/agent-1.jsonl",
    "projects/-home-me-app/one/subagents/workflows/wf_1/agent-3.jsonl",
    "projects/-home-me-app/one/workflows/wf_2/agent-4.jsonl",
    "projects/-home-me-web/two.jsonl",
)


def lay_out(root: Path, *files: str) -> None:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"type":"user"}\n', encoding="utf-8")


def found(*paths: Path) -> list[tuple[str, str]]:
    return [(each.project_id, each.source_file) for each in find(paths)]


def lines(path: Path, start: FilePosition = FilePosition()) -> tuple[list[Line], FilePosition]:  # noqa: B008
    batches, positions = zip(*read_batches(path, start), strict=True)
    return [line for batch in batches for line in batch], positions[-1]


def entries(path: Path) -> list[object]:
    return [line.entry for line in lines(path)[0]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", FILES),
        ("projects", FILES),
        ("projects/-home-me-app", FILES[:5]),
        ("projects/-home-me-app/one", FILES[2:5]),
        ("projects/-home-me-app/one/subagents", FILES[2:4]),
        ("projects/-home-me-app/one/subagents/workflows/wf_1", FILES[3:4]),
        ("projects/-home-me-app/one/workflows", FILES[4:5]),
        *((file, (file,)) for file in FILES),
    ],
)
def test_every_way_to_name_a_place(tmp_path: Path, path: str, expected: tuple[str, ...]) -> None:
    lay_out(tmp_path, *FILES)
    assert sorted(found(tmp_path / path)) == sorted(tuple(name.split("/", 2)[1:]) for name in expected)


@pytest.mark.parametrize(
    ("files", "path", "expected"),
    [
        (["app/one.jsonl"], "app", ("app", "one.jsonl")),
        (["app/one.jsonl"], "app/one.jsonl", ("app", "one.jsonl")),
        (["app/one.jsonl"], "", ("app", "one.jsonl")),
        (["app/one/subagents/agent-1.jsonl"], "app", ("app", "one/subagents/agent-1.jsonl")),
        (["app/one/workflows/w/agent-1.jsonl"], "", ("app", "one/workflows/w/agent-1.jsonl")),
        (["workflows/one.jsonl"], "", ("workflows", "one.jsonl")),
        (["projects/x/.claude/projects/app/a.jsonl"], "", ("app", "a.jsonl")),
        (["projects/backup/app/a.jsonl"], "projects/backup", ("app", "a.jsonl")),
        (["projects/backup/app/a.jsonl"], "projects/backup/app/a.jsonl", ("app", "a.jsonl")),
    ],
)
def test_a_folder_without_projects_above_it(
    tmp_path: Path, files: list[str], path: str, expected: tuple[str, str]
) -> None:
    lay_out(tmp_path, *files)
    assert found(tmp_path / path) == [expected]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/me/.claude/projects/-home-me-app/one.jsonl", ("-home-me-app", "one.jsonl")),
        ("/x/projects/app/one/subagents/agent-1.jsonl", ("app", "one/subagents/agent-1.jsonl")),
        ("/projects/x/.claude/projects/app/a.jsonl", ("app", "a.jsonl")),
        ("/backup/app/one.jsonl", ("app", "one.jsonl")),
        ("/backup/app/one/subagents/agent-1.jsonl", ("app", "one/subagents/agent-1.jsonl")),
        ("/backup/app/one/workflows/w/agent-1.jsonl", ("app", "one/workflows/w/agent-1.jsonl")),
        ("/subagents/agent-1.jsonl", ("subagents", "agent-1.jsonl")),
        ("one.jsonl", ("", "one.jsonl")),
    ],
)
def test_the_path_of_a_file_that_is_gone_is_enough(path: str, expected: tuple[str, str]) -> None:
    transcript = transcript_at(Path(path))
    assert (transcript.project_id, transcript.source_file) == expected


def test_a_file_named_twice_is_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path, *FILES)
    monkeypatch.chdir(tmp_path)
    assert len(found(tmp_path, Path("projects"), Path(FILES[0]))) == len(FILES)


def test_journals_and_folders_are_not_transcripts(tmp_path: Path) -> None:
    lay_out(tmp_path, "projects/app/journal.jsonl", "projects/app/odd.jsonl/notes.txt", FILES[0])
    lay_out(tmp_path, "projects/-home-me-app/one/subagents/workflows/wf_1/journal.jsonl")
    assert found(tmp_path) == [("-home-me-app", "one.jsonl")]


@pytest.mark.parametrize(("path", "message"), [("missing", "missing does not exist"), ("", "No transcripts")])
def test_nothing_to_find(tmp_path: Path, path: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find([tmp_path / path])


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        (b'{"a":1}', {"a": 1}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'\0\0{"a":1}\0', {"a": 1}),
        (b'  {"a":1}\r', {"a": 1}),
        (b'{"a.b":{"$c":1}}', {"a.b": {"$c": 1}}),
        (b'{"a":"\\ud83d"}', {"a": "\N{REPLACEMENT CHARACTER}"}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\N{GRINNING FACE}"}),
        (b'{"a":123456789012345678901234567890}', {"a": 123456789012345678901234567890}),
        (b'{"a":"}{"}', {"a": "}{"}),
    ],
)
def test_what_an_entry_is(file: Path, text: bytes, entry: object) -> None:
    file.write_bytes(text + b"\n")
    assert entries(file) == [entry]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b'{"a":1}{"b":2}', "holds more than one record"),
        (b'{"a":', "is not JSON"),
        (b"plain words", "is not JSON"),
        (b'{"a":"\xff"}', "is not JSON"),
        (b'{"a":NaN}', "is not JSON"),
        (b'{"a":1e999}', "is not JSON"),
        (b"[1]", "is not a JSON object"),
        (b"null", "is not a JSON object"),
        (b'{"a":' * 100_000, "is not JSON"),
    ],
    ids=lambda value: value[:12],
)
def test_a_line_without_an_entry_has_its_number_and_fault(file: Path, text: bytes, fault: str) -> None:
    file.write_bytes(b'{"before":1}\n\n' + text + b'\n{"after":1}\n')
    before, broken, after = lines(file)[0]
    assert (broken.number, broken.text, broken.entry) == (3, text, None)
    assert (broken.fault or "").startswith(fault)
    assert (before.entry, after.entry, after.number) == ({"before": 1}, {"after": 1}, 4)


@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b"   \n", b"\0\0\0\n", b""])
def test_blank_lines_are_skipped(file: Path, blank: bytes) -> None:
    file.write_bytes(blank * 3)
    assert entries(file) == []


def test_identical_lines_are_each_a_line(file: Path) -> None:
    file.write_bytes(b'{"a":1}\n' * 3)
    assert [line.number for line in lines(file)[0]] == [1, 2, 3]


def test_a_growing_file_is_read_on_from_where_it_ended(file: Path) -> None:
    file.write_bytes(b'{"a":1}\n')
    _, position = lines(file)
    file.write_bytes(b'{"a":1}\n{"a":2}\n')
    found, end = lines(file, position)
    assert found == [Line(2, b'{"a":2}', {"a": 2})]
    assert lines(file, end) == ([], end)


def test_a_long_file_comes_in_batches_each_with_its_position(file: Path) -> None:
    file.write_bytes(b'{"a":1}\n' * 2500)
    batches = list(read_batches(file, FilePosition()))
    assert [len(batch) for batch, _ in batches] == [1000, 1000, 500]
    assert [line.number for line in lines(file, batches[0][1])[0]] == list(range(1001, 2501))


def test_half_a_last_line_is_left_for_the_next_time(file: Path) -> None:
    file.write_bytes(b'{"a":1}\n{"a":')
    first, position = lines(file)
    file.write_bytes(b'{"a":1}\n{"a":2}\n')
    assert [line.entry for line in first] == [{"a": 1}]
    assert lines(file, position)[0] == [Line(2, b'{"a":2}', {"a": 2})]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b" \n"])
def test_a_whole_last_line_is_taken_before_it_ends_and_keeps_its_number(file: Path, ending: bytes) -> None:
    file.write_bytes(b'{"a":1}')
    first, position = lines(file)
    file.write_bytes(b'{"a":1}' + ending + b'{"a":2}\n')
    assert first == [Line(1, b'{"a":1}', {"a": 1})]
    assert lines(file, position)[0] == [Line(2, b'{"a":2}', {"a": 2})]


@pytest.mark.parametrize("now", [b'{"b":1}\n{"b":2}\n{"b":3}\n', b'{"b":1}\n'], ids=["replaced", "truncated"])
def test_another_file_under_the_name_is_read_from_its_beginning(file: Path, now: bytes) -> None:
    file.write_bytes(b'{"a":1}\n{"a":2}\n')
    _, position = lines(file)
    file.write_bytes(now)
    assert lines(file, position) == lines(file)


def test_a_long_file_is_recognized_by_its_end(file: Path) -> None:
    file.write_bytes(b'{"a":"' + b"x" * 5000 + b'"}\n')
    _, position = lines(file)
    with file.open("ab") as growing:
        growing.write(b'{"a":2}\n')
    assert [line.number for line in lines(file, position)[0]] == [2]
