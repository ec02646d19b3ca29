# /// script
# dependencies = ["nox[uv]>=2026.10.20"]
# ///
"""Every check of the project, each in an environment of its own; `nox --list` shows them."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
import time
from pathlib import Path

import nox

PYTHONS = nox.project.python_versions(nox.project.load_toml("pyproject.toml"))
OLDEST, NEWEST = PYTHONS[0], PYTHONS[-1]
# What a module's tests share is built once; conftest.py puts the slow modules first.
PARALLEL = ["--numprocesses=auto", "--dist=loadfile", "--no-loadscope-reorder"]
OTHERS = ["-m", "every_python and not slow"]
"""What the other Pythons are tested with."""
BUILT = {"CLOGS_TEST_BUILT": tempfile.mkdtemp(prefix="clogs-built-")}
"""Where the first tests that need the samples' warehouse leave it to all others of this call."""
atexit.register(shutil.rmtree, BUILT["CLOGS_TEST_BUILT"], ignore_errors=True)

nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "tests"]


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
    """Run all tests on the newest Python, with coverage, and on the others some; `-- ARGS` go to pytest."""
    is_newest = session.python == NEWEST
    session.install("--editable", ".", "--group", "sail" if is_newest else "tests")
    chosen = ["--cov"] if is_newest else OTHERS
    session.run("pytest", *(session.posargs or [*chosen, *PARALLEL]), env=BUILT)


@nox.session(python=OLDEST)
def minimums(session: nox.Session) -> None:
    """Run the tests of each Python with the lowest versions that pyproject.toml allows."""
    session.install("--resolution", "lowest-direct", "--editable", ".", "--group", "tests")
    session.run("pytest", *(session.posargs or [*OTHERS, *PARALLEL]))


@nox.session(python=OLDEST)
def browser(session: nox.Session) -> None:
    """Look at the pages of `validate --build-docs` and `report --html` in Chromium, where there is one."""
    chromium = os.environ.get("CLOGS_TEST_CHROMIUM") or shutil.which("chromium")
    if not chromium:
        session.skip("Chromium is not installed")
    session.install("--editable", ".", "--group", "browser")
    session.run(
        "pytest",
        *(session.posargs or ["tests/test_datadocs_browser.py", "tests/test_report_browser.py"]),
        env={"CLOGS_TEST_CHROMIUM": chromium},
    )


@nox.session(python=NEWEST)
def spark(session: nox.Session) -> None:
    """Build the models on Spark, where there is Java 17 or 21, and compare every table with DuckDB's."""
    if not shutil.which("java"):
        session.skip("Java is not installed")
    session.install("--editable", ".[spark]", "--group", "tests")
    modules = sorted(map(str, Path("tests").glob("test_spark*.py")))
    session.run("pytest", *(session.posargs or [*modules, *PARALLEL]), env=iceberg(session))


def iceberg(session: nox.Session) -> dict[str, str]:
    """Fetch what Spark would fetch from Maven by itself, with Maven where it is, which has mirrors set up."""
    if "CLOGS_TEST_SPARK_JARS" in os.environ or not shutil.which("mvn"):
        return {}
    folder = Path(session.create_tmp()).resolve() / "jars"
    code = "from clogs.spark.session import PACKAGES; print(*PACKAGES)"
    packages = str(session.run("python", "-c", code, silent=True)).split()
    for package in packages:
        copy = ("dependency:copy", f"-Dartifact={package}", f"-DoutputDirectory={folder}")
        session.run("mvn", "--quiet", "--batch-mode", *copy, external=True)
    return {"CLOGS_TEST_SPARK_JARS": ",".join(map(str, sorted(folder.glob("*.jar"))))}


@nox.session(python=OLDEST)
def crash(session: nox.Session) -> None:
    """Kill every stage at random, many hundred times, and the source, and follow 500 random loads."""
    session.install("--editable", ".", "--group", "tests")
    names = ("test_crash", "test_crash_source", "test_crash_transform", "test_changes")
    modules = [f"tests/{name}.py" for name in names]
    env = {"CLOGS_TEST_KILLS": "400", "CLOGS_TEST_CASES": "500"}
    session.run("pytest", "--timeout=0", *(session.posargs or modules), env=env)


@nox.session(python=OLDEST)
def bench(session: nox.Session) -> None:
    """Measure each stage as ratios, in over an hour; `-- 0.1 loading` measures one, at a tenth."""
    session.install("--editable", ".[spark]" if "spark" in session.posargs else ".", "--group", "tests")
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


@nox.session(reuse_venv=False)
def bundle(session: nox.Session) -> None:
    """Make dist/clogs, one file that needs only Python, and try it; `-- PYTHON` is what it starts with."""
    session.install("--group", "bundle")
    scratch = Path(session.create_tmp()).resolve()
    bundled = Path("dist").resolve() / "clogs"
    shutil.rmtree(scratch)
    bundled.parent.mkdir(exist_ok=True)
    python, series = base_python(session)
    install_into(session, scratch / "site", ".[demo]")
    session.run(
        "shiv",
        *("--site-packages", str(scratch / "site")),
        *("--python", *(session.posargs or [f"/usr/bin/env python{series}"])),
        *("--console-script", "clogs"),
        "--extend-pythonpath",  # the demo's server is a process of its own
        *("--output-file", str(bundled)),
    )
    (scratch / "home").mkdir()
    session.chdir(scratch / "home")  # the checkout's own clogs.toml must not be read
    bare = (f"HOME={scratch / 'home'}", "PATH=/usr/bin:/bin", f"SHIV_ROOT={scratch / 'unpacked'}")

    def clogs(*arguments: str) -> float:
        """Run it, and return the seconds it took."""
        started = time.perf_counter()
        session.run("env", "-i", *bare, python, str(bundled), *arguments, external=True)
        return time.perf_counter() - started

    first, later = clogs("--version"), min(clogs("--version") for _ in range(3))
    clogs("demo", "--keep", "demo")
    clogs("--config", "demo/clogs.toml", "validate", "--build-docs")
    size = bundled.stat().st_size / 1e6
    session.log(f"{bundled}: {size:.0f} MB; first start {first:.1f} s, later ones {later:.1f} s")


@nox.session
def audit(session: nox.Session) -> None:
    """Look for known faults in what clogs stands on; `-- --vulnerability-service osv` asks OSV, not PyPI."""
    session.install("--group", "audit")
    scratch = Path(session.create_tmp()).resolve()
    shutil.rmtree(scratch)
    install_into(session, scratch / "site", "--requirements", "pyproject.toml", "--extra", "demo")
    found = scratch / "found.json"
    said = session.run(
        "pip-audit",
        *("--path", str(scratch / "site"), "--progress-spinner", "off"),
        *("--format", "json", "--output", str(found)),
        *session.posargs,
        success_codes=[0, 1],
        silent=True,  # it ends with 0 where it could look at nothing, so only its report counts
    )
    text = found.read_text(encoding="utf-8") if found.exists() else ""
    looked_at = json.loads(text)["dependencies"] if text else []
    left_out = [each["name"] for each in looked_at if "skip_reason" in each]
    if len(left_out) == len(looked_at):
        why = str(said).strip().rpartition("\n")[2]
        session.skip(f"NOTHING WAS AUDITED: no advisories can be had from here. {why}")
    faults = [
        f"{each['name']} {each['version']}: {fault['id']}, mended in {fault['fix_versions']}"
        for each in looked_at
        for fault in each.get("vulns", [])
    ]
    if faults or left_out:
        session.error("\n".join([*faults, *(f"{name} was not looked at" for name in left_out)]))
    session.log(f"No known faults in {len(looked_at)} distributions.")


def base_python(session: nox.Session) -> tuple[str, str]:
    """The Python that a session's environment was made from, and its series, such as ``3.11``."""
    asked = "import sys; print(sys._base_executable, '%d.%d' % sys.version_info[:2], sep='|')"
    python, _, series = str(session.run("python", "-c", asked, silent=True)).strip().rpartition("|")
    return python, series


def install_into(session: nox.Session, folder: Path, *what: str) -> None:
    """Install something into a folder, and not into the session's environment."""
    python = str(Path(session.bin) / "python")
    session.run("uv", "pip", "install", "--quiet", "--python", python, "--target", str(folder), *what)


if __name__ == "__main__":
    nox.main()
