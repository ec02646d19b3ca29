# /// script
# dependencies = ["nox[uv]>=2026.10.20"]
# ///
"""Every check of the project, each in an environment of its own; `nox --list` shows them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

PYTHONS = nox.project.python_versions(nox.project.load_toml("pyproject.toml"))
OLDEST = PYTHONS[0]
PARALLEL = ["--numprocesses=auto", "--dist=loadfile"]  # what a module's tests share is built once
# What a kill leaves, what SQL makes of rows and DuckDB of files does not depend on the Python.
ONCE = ("bad_input", "by_change", "compact", "kept", "places", "profile", "prune", "site", "suites")
ONCE_WITHOUT_COVERAGE = (
    "ccusage", "changes", "crash", "crash_transform", "extra_models", "model_page", "questions", "rules",
)  # fmt: skip

nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "tests"]


def module(name: str) -> str:
    """The file of some tests."""
    return f"tests/test_{name}.py"


def without(*names: str) -> list[str]:
    """Arguments that leave some tests out."""
    return [f"--ignore={module(name)}" for name in names]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and the layers that modules may import from."""
    session.install("--group", "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Check annotations with mypy, strictly."""
    session.install("--editable", ".", "--group", "types")
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the tests, on the oldest Python with coverage and many more cases; `-- ARGS` go to pytest."""
    session.install("--editable", ".", "--group", "tests")
    if session.posargs or session.python != OLDEST:
        session.run("pytest", *(session.posargs or [*without(*ONCE, *ONCE_WITHOUT_COVERAGE), *PARALLEL]))
        return
    session.run("pytest", "--cov", *without(*ONCE_WITHOUT_COVERAGE), *PARALLEL)
    session.run("pytest", *map(module, ONCE_WITHOUT_COVERAGE), *PARALLEL)


@nox.session(python=OLDEST)
def minimums(session: nox.Session) -> None:
    """Run the tests with the lowest versions that pyproject.toml allows."""
    session.install("--resolution", "lowest-direct", "--editable", ".", "--group", "tests")
    session.run("pytest", *(session.posargs or [*without(*ONCE, *ONCE_WITHOUT_COVERAGE), *PARALLEL]))


@nox.session(python=OLDEST)
def ferretdb(session: nox.Session) -> None:
    """Run the tests that read from a server against FerretDB, where Go is there to build it."""
    if not shutil.which("go"):
        session.skip("Go, which builds FerretDB, is not installed")
    executable = Path(session.create_tmp()).resolve() / "ferretdb"
    with session.chdir("tests/ferretdb"):
        session.run("go", "build", "-o", str(executable), ".", external=True)
    session.install("--editable", ".", "--group", "tests")
    modules = [f"tests/test_{name}.py" for name in ("mongo", "reading", "extract", "workers")]
    session.run(
        "pytest",
        *(session.posargs or [*PARALLEL, *modules]),
        env={"CLOGS_TEST_FERRETDB": str(executable)},
    )


@nox.session(python=OLDEST)
def browser(session: nox.Session) -> None:
    """Look at the page of `validate --build-docs` in Chromium, where there is one."""
    chromium = os.environ.get("CLOGS_TEST_CHROMIUM") or shutil.which("chromium")
    if not chromium:
        session.skip("Chromium is not installed")
    session.install("--editable", ".", "--group", "browser")
    session.run(
        "pytest",
        *(session.posargs or [module("site_browser")]),
        env={"CLOGS_TEST_CHROMIUM": chromium},
    )


@nox.session(python=OLDEST)
def crash(session: nox.Session) -> None:
    """Kill every stage at random, many hundred times, and follow 500 random loads."""
    session.install("--editable", ".", "--group", "tests")
    modules = ["tests/test_crash.py", "tests/test_crash_transform.py", "tests/test_changes.py"]
    env = {"CLOGS_TEST_KILLS": "400", "CLOGS_TEST_CASES": "500"}
    session.run("pytest", *(session.posargs or modules), env=env)


@nox.session(python=OLDEST)
def bench(session: nox.Session) -> None:
    """Measure each stage as ratios, in over an hour; `-- 0.1 loading` measures one, at a tenth."""
    session.install("--editable", ".", "--group", "tests")
    session.chdir("tests")
    session.run("python", "-m", "bench", *session.posargs)


@nox.session(reuse_venv=False)
def build(session: nox.Session) -> None:
    """Build sdist and wheel, and run the demo from the wheel, away from the checkout."""
    dist = Path(session.create_tmp()).resolve()
    session.run("uv", "build", "--out-dir", str(dist))
    (wheel,) = dist.glob("*.whl")
    session.install(f"clogs[demo] @ {wheel.as_uri()}")
    session.chdir(dist)  # the checkout's own clogs.toml must not be read
    session.run("clogs", "--version")
    session.run("clogs", "demo", env={"HOME": str(dist)})


if __name__ == "__main__":
    nox.main()
