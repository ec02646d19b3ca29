"""Pages of `clogs report --html`, for tests to look at."""

from __future__ import annotations

import json
from pathlib import Path

from built import build, fill
from conftest import new_workspace

from clogs.report import page
from clogs.report.figures import Figures, Filter
from clogs.report.period import period
from clogs.warehouse import connect

HOSTILE = """</script><img src=x onerror=alert(1)>' {{7*7}}\x1b[31m\u202e=1+1"""


def page_of_samples(folder: Path, *arguments: str) -> Path:
    """What the command writes of the samples."""
    workspace = fill(new_workspace(folder, "mongodb://127.0.0.1:9", "none"))
    workspace.run("report", "--html", str(folder / "report.html"), *arguments).check_returncode()
    return folder / "report.html"


def page_of_hostile_texts(folder: Path) -> Path:
    """A page of a session whose every name and text is hostile."""
    common = {"sessionId": f"s{HOSTILE}", "cwd": f"/home/{HOSTILE}/{HOSTILE}", "version": "2.0.0"}
    call = {"type": "tool_use", "id": "t1", "name": f"mcp__{HOSTILE}__{HOSTILE}", "input": {}}
    edit = {
        "type": "tool_use",
        "id": "t2",
        "name": "Write",
        "input": {"file_path": f"/x/{HOSTILE}.{HOSTILE}", "content": "a"},
    }
    usage = {"input_tokens": 1, "output_tokens": 2}
    entries: list[dict[str, object]] = [
        {"type": "custom-title", "customTitle": HOSTILE},
        {"type": "user", "uuid": "u1", "message": {"role": "user", "content": HOSTILE}},
        {"type": "assistant", "uuid": "u2", "requestId": "r1", "message": {
            "id": "m1", "role": "assistant", "model": HOSTILE, "content": [call, edit], "usage": usage}},
        {"type": "user", "uuid": "u3", "message": {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t1", "is_error": True, "content": HOSTILE}]}},
    ]  # fmt: skip
    transcript = folder / "projects" / "-home-x" / "s.jsonl"
    transcript.parent.mkdir(parents=True)
    lines = [
        {**common, "timestamp": f"2026-03-01T10:00:{at:02}Z", **entry} for at, entry in enumerate(entries)
    ]
    transcript.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    everything = Filter(period=period(last="all", since=None, until=None, timezone="UTC"))
    with connect(build(folder / "projects", folder), read_only=True) as connection:
        page.build(
            Figures(connection, everything), path=folder / "report.html", cache_dir=folder, redact=False
        )
    return folder / "report.html"
