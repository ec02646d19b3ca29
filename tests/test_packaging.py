"""What is in the wheel: all that clogs needs to run, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from clogs import __version__

pytestmark = pytest.mark.every_python

SHIPPED = {"clogs": "clogs", "transforms": "clogs/transforms"}
"""Folders of the checkout, and where the wheel has them."""

METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}


@pytest.fixture(scope="session")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from the checkout as a release is."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=project, check=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_holds_exactly_what_runs(wheel: zipfile.ZipFile, project: Path) -> None:
    expected = {
        f"{target}/{path.relative_to(project / source).as_posix()}"
        for source, target in SHIPPED.items()
        for path in (project / source).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    expected |= {"clogs/clogs.toml"} | {f"clogs-{__version__}.dist-info/{name}" for name in METADATA}
    assert set(wheel.namelist()) == expected


@pytest.mark.parametrize("name", ["clogs/py.typed", "clogs/clogs.toml", "clogs/__main__.py"])
def test_the_wheel_holds(wheel: zipfile.ZipFile, name: str) -> None:
    assert name in wheel.namelist()


def test_the_command_is_installed(wheel: zipfile.ZipFile) -> None:
    entry_points = wheel.read(f"clogs-{__version__}.dist-info/entry_points.txt").decode()
    assert "clogs = clogs.cli:main" in entry_points
