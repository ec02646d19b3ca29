"""``clogs dead-letters``: what was rejected is shown, replayed or removed for good."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from built import data_of, warehouse_of
from conftest import Document, Workspace, in_terminal
from msgspec.structs import replace
from pymongo.collection import Collection
from test_load import Folder, row

from clogs import dead_letters
from clogs.dead_letters import DeadLetter
from clogs.errors import DataError
from clogs.mongo import extended_json
from clogs.runs.lock import run_lock
from clogs.warehouse import connect

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
LETTER = DeadLetter(
    stage="extract",
    source="bad",
    reasons=("type is an array", "timestamp is a number"),
    document='{"_id": "bad", "type": ["x"], "n": 12345678901234567890.10}',
    run="one",
    at=NOON,
    encoding="text",
)
HOSTILE = replace(
    LETTER, stage="import", source="a\x1b[2J.jsonl:3", reasons=("\x1b]0;x\x07",), document='{"\x9b31m\n'
)
LENIENT = '{ "conversations.session_is_present" = { severity = "warning" } }'


def folder_of(workspace: Workspace) -> Path:
    return data_of(workspace) / "dead_letters"


def give(workspace: Workspace, *letters: DeadLetter) -> None:
    for letter in letters:
        dead_letters.write(folder_of(workspace), [letter])


def left(workspace: Workspace) -> set[str]:
    """The documents of the letters that there are."""
    return {letter.document for letter in dead_letters.read(folder_of(workspace))}


def run(workspace: Workspace, *arguments: str, **variables: str) -> str:
    finished = workspace.run("dead-letters", *arguments, **variables)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def run_json(workspace: Workspace, *arguments: str, **variables: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(workspace, *arguments, "--json", **variables))
    return found


def lines(output: str) -> list[str]:
    return [" ".join(line.split()) for line in output.splitlines()]


def document(identity: str, content: str, **fields: object) -> Document:
    moment = NOON.isoformat()
    entry = {"_id": identity, "type": "mode", "sessionId": "s", "timestamp": moment, "message": content}
    return entry | fields


def loaded(workspace: Workspace) -> dict[str, str]:
    assert workspace.run("load").returncode == 0
    with connect(warehouse_of(workspace), read_only=True) as connection:
        return dict(connection.execute("SELECT _id, message_content FROM raw.conversations").fetchall())


# list


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("", "There are no dead letters.\n"),
        ("list", "There are no dead letters.\n"),
        ("replay", "There are no dead letters.\n"),
        ("purge", "Nothing to remove.\n"),
    ],
)
def test_without_dead_letters(workspace: Workspace, command: str, output: str) -> None:
    assert workspace.output("dead-letters", *command.split()) == output
    assert not folder_of(workspace).exists()


def test_the_list_shows_the_newest_first(workspace: Workspace) -> None:
    newer = replace(LETTER, source="newer", at=NOON + timedelta(seconds=1), reasons=("_id is absent",))
    give(workspace, LETTER, newer)
    assert lines(run(workspace, "list")) == [
        "id when stage source reasons",
        f"{newer.id[:8]} 2026-03-04 12:00:01 UTC extract newer _id is absent",
        f"{LETTER.id[:8]} 2026-03-04 12:00:00 UTC extract bad type is an array; timestamp is a number",
    ]


def test_the_list_as_json_has_all_but_the_documents(workspace: Workspace) -> None:
    give(workspace, LETTER, HOSTILE, *(replace(LETTER, source=f"{number}") for number in range(20)))
    found = run_json(workspace, "list")
    assert (found["total"], len(found["dead_letters"])) == (22, 22)
    (shown,) = (each for each in found["dead_letters"] if each["source"] == "bad")
    assert shown == {
        "id": LETTER.id,
        "at": "2026-03-04T12:00:00Z",
        "stage": "extract",
        "source": "bad",
        "reasons": ["type is an array", "timestamp is a number"],
        "run": "one",
        "encoding": "text",
    }
    limited = run_json(workspace, "list", "--limit", "2", "--stage", "extract")
    assert (limited["total"], len(limited["dead_letters"])) == (21, 2)


def test_the_list_is_limited_and_says_so(workspace: Workspace) -> None:
    give(workspace, *(replace(LETTER, source=f"{number}") for number in range(22)))
    *shown, more = lines(run(workspace, "list"))
    assert (len(shown), more) == (21, "and 2 more: --limit 22")
    assert len(lines(run(workspace, "list", "--limit", "22"))) == 23


def test_the_list_of_one_stage(workspace: Workspace) -> None:
    give(workspace, LETTER, replace(LETTER, stage="load", source="file"))
    assert [line.split()[4] for line in lines(run(workspace, "list", "--stage", "load"))[1:]] == ["load"]
    assert run(workspace, "list", "--stage", "import") == "There are no dead letters.\n"


def test_hostile_letters_drive_no_terminal(workspace: Workspace) -> None:
    give(workspace, HOSTILE)
    for command in (["list"], ["show", HOSTILE.id]):
        assert not {"\x1b", "\x07", "\x9b"} & set(run(workspace, *command))
    assert "a�[2J.jsonl:3" in run(workspace, "list")


@pytest.mark.parametrize("command", ["list", "purge --yes"])
def test_a_foreign_file_in_the_folder_is_an_error(workspace: Workspace, command: str) -> None:
    give(workspace, LETTER)
    (folder_of(workspace) / "notes.jsonl").write_text("{}\n", encoding="utf-8")
    stderr = workspace.refusal("dead-letters", *command.split(), code=1)
    assert f"A file in {folder_of(workspace)} does not hold dead letters: notes.jsonl: " in stderr
    assert "Remove the line that is not one, or move the file away." in stderr


# show


def test_a_letter_is_shown_whole(workspace: Workspace) -> None:
    give(workspace, LETTER)
    assert run(workspace, "show", LETTER.id[:8]).splitlines() == [
        f"id        {LETTER.id}",
        "when      2026-03-04 12:00:00 UTC",
        "stage     extract",
        "source    bad",
        "run       one",
        "encoding  text",
        "reason    type is an array",
        "reason    timestamp is a number",
        "",
        "{",
        '  "_id": "bad",',
        '  "type": [',
        '    "x"',
        "  ],",
        '  "n": 12345678901234567890.10',
        "}",
    ]


@pytest.mark.parametrize("text", ['{"a": 1}{', '{"a":' * 5_000])
def test_what_is_no_json_is_shown_as_it_is(workspace: Workspace, text: str) -> None:
    letter = replace(LETTER, document=text)
    give(workspace, letter)
    assert run(workspace, "show", letter.id).endswith(f"\n\n{text}\n")


def test_letters_are_shown_as_json(workspace: Workspace) -> None:
    give(workspace, LETTER, HOSTILE)
    (shown,) = run_json(workspace, "show", LETTER.id[:10].upper())["dead_letters"]
    assert (shown["id"], shown["document"]) == (LETTER.id, LETTER.document)
    both = run_json(workspace, "show", LETTER.id, HOSTILE.id, LETTER.id[:8])["dead_letters"]
    assert {each["document"] for each in both} == {LETTER.document, HOSTILE.document}


@pytest.mark.parametrize("command", ["show", "purge"])
def test_an_unknown_id_is_an_error_with_the_remedy(workspace: Workspace, command: str) -> None:
    give(workspace, LETTER)
    finished = workspace.run("dead-letters", command, LETTER.id, "nonsense", "--json")
    error = json.loads(finished.stdout)["error"]
    assert (finished.returncode, error["exit_code"]) == (2, 2)
    assert error["message"] == "No dead letter has an id that begins with 'nonsense'."
    assert error["hint"] == "The ids: clogs dead-letters list --json"
    assert left(workspace) == {LETTER.document}


# replay


def test_what_was_rejected_is_accepted_when_the_checks_allow_it(
    mongo_workspace: Workspace, collection: Collection[Document]
) -> None:
    collection.insert_many([document("good", "hello"), document("bad", "hello, too", sessionId=None)])
    finished = mongo_workspace.run("extract")
    assert finished.returncode == 65
    assert "clogs dead-letters list --stage extract" in finished.stderr
    give(mongo_workspace, LETTER)
    finished = mongo_workspace.run("dead-letters", "replay", QUALITY_CHECKS=LENIENT)
    summary, head, still = lines(finished.stdout)
    assert summary.startswith("1 accepted, 1 still rejected · ")
    assert head == "id stage source reasons"
    assert still.startswith(f"{LETTER.id[:8]} extract bad type is an array, ")
    assert finished.stderr.endswith("into the warehouse: clogs load, or clogs pipeline\n")
    assert loaded(mongo_workspace) == {"good": "hello", "bad": "hello, too"}
    assert left(mongo_workspace) == {LETTER.document}


def test_only_what_is_named_is_replayed(workspace: Workspace) -> None:
    first = replace(LETTER, document=extended_json(document("a", "1")))
    second = replace(LETTER, document=extended_json(document("b", "1")))
    give(workspace, first, second, HOSTILE)
    result = run_json(workspace, "replay", first.id[:8], HOSTILE.id, "--stage", "extract")
    assert (result["accepted"], result["still_rejected"]) == (
        {"load": 0, "extract": 1, "transcript": 0, "import": 0},
        [],
    )
    assert left(workspace) == {second.document, HOSTILE.document}


def test_lines_that_are_entries_by_now_are_imported_though_their_file_is_gone(
    mongo_workspace: Workspace, collection: Collection[Document], tmp_path: Path
) -> None:
    transcript = tmp_path / "projects" / "app" / "one.jsonl"
    transcript.parent.mkdir(parents=True)
    transcript.write_bytes(b'{"n": 1}\nbroken\n"\xff"\n')
    assert mongo_workspace.run("import", transcript, QUALITY_MAX_REJECTED="1").returncode == 0
    (imported,) = collection.find()
    collection.delete_many({})
    transcript.unlink()
    give(mongo_workspace, replace(LETTER, stage="import", source=f"{transcript}:1", document='{"n": 1}'))
    finished = mongo_workspace.run("dead-letters", "replay", "--json")
    result = json.loads(finished.stdout)
    assert result["accepted"] == {"load": 0, "extract": 0, "transcript": 0, "import": 1}
    assert [each["reasons"][0].partition(":")[0] for each in result["still_rejected"]] == ["is not JSON"] * 2
    assert finished.stderr.endswith("into the warehouse: clogs pipeline\n")
    (again,) = collection.find()
    assert again | {"ingestedAt": 0} == imported | {"ingestedAt": 0}


# purge


@pytest.fixture
def damaged(workspace: Workspace) -> Path:
    """A landing file that was damaged and quarantined."""
    folder = Folder(data_of(workspace))
    (path,) = folder.land(row("a"))
    path.write_bytes(path.read_bytes().replace(b"PAR1", b"XXXX"))
    with pytest.raises(DataError):
        folder.load()
    return folder_of(workspace) / "landing" / path.relative_to(folder.root / "landing")


def test_the_purge_asks_first(workspace: Workspace) -> None:
    give(workspace, LETTER, HOSTILE)
    no = in_terminal(workspace, "n\n", "dead-letters", "purge")
    assert (no.returncode, no.stdout) == (0, "Nothing was removed.\n")
    assert "Remove 2 dead letters for good? [y/N] " in no.stderr
    nobody = workspace.run("dead-letters", "purge")
    assert (nobody.returncode, "add --yes" in nobody.stderr) == (2, True)
    assert len(left(workspace)) == 2
    assert in_terminal(workspace, "y\n", "dead-letters", "purge").stdout == "2 dead letters removed.\n"
    assert list(folder_of(workspace).iterdir()) == []


def test_a_purge_removes_what_is_chosen(workspace: Workspace) -> None:
    eve = replace(LETTER, document="eve", at=datetime(2026, 3, 3, 23, 59, 59, tzinfo=UTC))
    dead_letters.write(folder_of(workspace), [eve, LETTER])
    give(workspace, HOSTILE)
    assert (
        run(workspace, "purge", "--before", "2026-03-04", "--dry-run") == "1 dead letter would be removed.\n"
    )
    assert len(left(workspace)) == 3
    assert run(workspace, "purge", "--before", "2026-03-04", "--yes") == "1 dead letter removed.\n"
    assert left(workspace) == {LETTER.document, HOSTILE.document}
    assert run_json(workspace, "purge", "--stage", "import", "--yes")["letters"] == 1
    assert run_json(workspace, "purge", LETTER.id[:8], "--yes")["letters"] == 1
    assert left(workspace) == set()


def test_a_landing_file_that_was_set_aside_goes_with_its_letter(workspace: Workspace, damaged: Path) -> None:
    outcome = "1 dead letter and 1 damaged landing file"
    assert run(workspace, "purge", "--dry-run") == f"{outcome} would be removed.\n"
    assert damaged.exists()
    assert run(workspace, "purge", "--yes") == f"{outcome} removed.\n"
    assert list(folder_of(workspace).iterdir()) == []


@pytest.mark.parametrize("command", ["replay", "purge --yes"])
def test_another_run_is_not_disturbed(workspace: Workspace, command: str) -> None:
    give(workspace, LETTER)
    with run_lock(data_of(workspace) / "state", command="load"):
        workspace.refusal("dead-letters", *command.split(), code=75)
    assert left(workspace) == {LETTER.document}
