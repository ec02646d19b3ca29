"""``clogs init`` writes a settings file to start from, and replaces none unasked."""

from __future__ import annotations

import stat
from pathlib import Path

from conftest import Workspace

from clogs.files import bundled

TEMPLATE = bundled("clogs.toml")


def test_it_writes_the_template_for_its_owners_eyes(workspace: Workspace) -> None:
    run = workspace.run("init")
    written = workspace.folder / "clogs.toml"
    assert (run.returncode, run.stdout) == (0, "")
    assert "Wrote clogs.toml." in run.stderr
    assert "Then check it with: clogs doctor; and run: clogs pipeline" in run.stderr
    assert written.read_bytes() == TEMPLATE.read_bytes()
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_a_folder_gets_a_file_of_the_usual_name(workspace: Workspace, tmp_path: Path) -> None:
    run = workspace.run("init", "--path", tmp_path)
    assert run.returncode == 0
    assert f"clogs doctor --config {tmp_path / 'clogs.toml'}" in run.stderr
    assert (tmp_path / "clogs.toml").read_bytes() == TEMPLATE.read_bytes()


def test_a_file_that_is_there_is_replaced_by_force_only(workspace: Workspace) -> None:
    mine = workspace.folder / "clogs.toml"
    mine.write_text("# mine", encoding="utf-8")
    refused = workspace.run("init")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--force" in refused.stderr
    assert mine.read_text(encoding="utf-8") == "# mine"
    assert workspace.run("init", "--force").returncode == 0
    assert mine.read_bytes() == TEMPLATE.read_bytes()
