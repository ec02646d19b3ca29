"""What every test may ask for: a MongoDB-compatible server, the transcripts, and a folder to run clogs in."""

from __future__ import annotations

import os
import pty
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from browsing import CHROMIUM, QUIET
from hypothesis import HealthCheck, settings
from mongo_server import MongoServer, serving
from pymongo import MongoClient
from pymongo.collection import Collection
from scheduling import CRONTAB, Tools

from clogs.commands.demo_server import free_port
from clogs.landing import objects
from clogs.landing.files import landed
from clogs.landing.objects import ObjectPath
from clogs.landing.place import Place

if TYPE_CHECKING:
    from bucket import Bucket
    from playwright.sync_api import Browser
    from pyspark.sql import SparkSession

Document = dict[str, Any]

# How long an example takes says how busy the machine is. All else is as hypothesis has it, here or in CI.
settings.register_profile("untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

PROJECT = Path(__file__).parent.parent
TRANSCRIPTS = PROJECT.parent / "shared" / "transcripts"
DATABASE = "clogs_tests"
# what SQLMesh reads when a test imports it before clogs does
os.environ |= {"MAX_FORK_WORKERS": "1", "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true"}
PROGRAMS = Path(__file__).parent / "bin"
"""What stands in for the machine's own: a crontab of each workspace's."""
KEPT_VARIABLES = ("PYTHONPATH", "LANG", "LC_ALL", "COVERAGE_PROCESS_CONFIG")
"""All that a test's run of clogs sees of the real environment, so nobody's settings leak in."""


class Command(subprocess.Popen[str]):
    """A running command, which ends with a test that fails or hangs."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind:
            self.kill()
        super().__exit__(kind, value, traceback)


@dataclass(frozen=True)
class Workspace:
    """A folder of its own with the settings that keep every file of a run inside it.

    Attributes:
        folder: The current folder of the runs.
        environment: Their environment variables.
    """

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run ``clogs`` with these arguments, and these environment variables over the workspace's."""
        return subprocess.run(
            [sys.executable, "-m", "clogs", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment | variables,
            capture_output=True,
            check=False,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=300,
        )

    def output(self, *arguments: str | Path, **variables: str) -> str:
        """The output of a run that ends well, with nothing on standard error."""
        finished = self.run(*arguments, **variables)
        assert (finished.returncode, finished.stderr) == (0, "")
        return finished.stdout

    def refusal(self, *arguments: str | Path, code: int, **variables: str) -> str:
        """The standard error of a run that ends with a code, without output."""
        finished = self.run(*arguments, **variables)
        assert (finished.returncode, finished.stdout) == (code, "")
        return finished.stderr

    def start(self, *arguments: str, module: str = "clogs", **variables: str) -> Command:
        """Start ``clogs``, or a module of the workspace's folder that is to be it."""
        return Command(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def in_terminal(workspace: Workspace, answer: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``clogs`` with a terminal as its standard input, where somebody types an answer."""
    ours, theirs = pty.openpty()
    os.write(ours, answer.encode())
    try:
        return subprocess.run(
            [sys.executable, "-m", "clogs", *arguments],
            cwd=workspace.folder,
            env=workspace.environment,
            capture_output=True,
            check=False,
            encoding="utf-8",
            stdin=theirs,
            timeout=60,
        )
    finally:
        os.close(ours)
        os.close(theirs)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow modules: what runs last should be short."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def landed_in(folder: Place) -> list[Path]:
    """The landing files of a folder, in order."""
    return [path for path in landed(folder) if isinstance(path, Path)]


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of the checkout."""
    return PROJECT


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a running server: ``CLOGS_TEST_MONGO_URI``, else of one that is stopped at the end."""
    if uri := os.environ.get("CLOGS_TEST_MONGO_URI"):
        yield uri
        return
    with serving(tmp_path_factory.mktemp("mongo"), "--standalone") as server:
        yield server.uri


@pytest.fixture(scope="module")
def replica_set(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """A running server that has change streams."""
    with serving(tmp_path_factory.mktemp("replica_set"), "--enable-test-commands") as server:
        yield server


@pytest.fixture
def collection_name(mongo_uri: str) -> Iterator[str]:
    """The name of a collection in ``clogs_tests`` that no other test uses; dropped afterwards."""
    name = f"conversations_{uuid4().hex}"
    yield name
    with MongoClient[Document](mongo_uri) as client:
        client[DATABASE].drop_collection(name)


@pytest.fixture
def collection(mongo_uri: str, collection_name: str) -> Iterator[Collection[Document]]:
    """That collection through the driver, empty."""
    with MongoClient[Document](mongo_uri) as client:
        yield client[DATABASE][collection_name]


@pytest.fixture(scope="session")
def transcripts() -> Path:
    """The folder of real transcripts (it holds ``projects/``), beside the checkout where there is one."""
    if not TRANSCRIPTS.is_dir():
        pytest.skip("there are no real transcripts beside this checkout")
    return TRANSCRIPTS


@pytest.fixture(scope="session")
def spark_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Spark's catalog and its tables are."""
    return tmp_path_factory.mktemp("spark")


@pytest.fixture(scope="session")
def started_spark(spark_place: Path) -> Iterator[SparkSession]:
    """Spark on this machine, with Iceberg's local catalog; one for all tests, since Java starts once."""
    pytest.importorskip("pyspark.java_gateway", reason="nox -s spark installs it")
    from engines import PROPERTIES

    from clogs.spark.session import SparkConfig, spark_session

    config = SparkConfig(
        master="local[2]",
        catalog="clogs",
        config=PROPERTIES,
        data_dir=spark_place,
        state_dir=spark_place / "state",
    )
    with spark_session(config) as session:
        yield session


@pytest.fixture(scope="session")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished pipeline on DuckDB, which Spark's are compared with."""
    from answers import workspace_in

    made = workspace_in(tmp_path_factory.mktemp("duck"))
    assert made.run("pipeline", "-q").returncode == 0
    return made


@pytest.fixture(scope="module")
def spark(started_spark: SparkSession) -> Iterator[SparkSession]:
    """Spark, with a catalog that is empty at first."""
    yield started_spark
    for kind in ("VIEW", "TABLE"):
        for schema in started_spark.sql("SHOW NAMESPACES").collect():
            for each in started_spark.sql(f"SHOW {kind}S IN {schema.namespace}").collect():
                started_spark.sql(f"DROP {kind} IF EXISTS {schema.namespace}.{each[1]}")


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file may grow beyond 1,000 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace without a server: ``MONGO_URI`` names a port where nothing listens."""
    return new_workspace(tmp_path, f"mongodb://127.0.0.1:{free_port()}", "conversations")


@pytest.fixture(scope="module")
def store() -> Iterator[Bucket]:
    """A running server of objects."""
    from bucket import serving_bucket

    with serving_bucket() as served:
        yield served


@pytest.fixture
def bucket(store: Bucket, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket, which the environment opens."""
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    objects._store.cache_clear()  # noqa: SLF001
    store.empty()
    return store


@pytest.fixture
def landing(bucket: Bucket) -> ObjectPath:
    """A landing in the bucket."""
    found = ObjectPath.parse(f"{bucket.url}/of/clogs")
    assert found
    return found


@pytest.fixture
def remote(workspace: Workspace, bucket: Bucket) -> Workspace:
    """A workspace whose landing is in the bucket."""
    settings = bucket.environment | {"DATA_RAW_DIR": f"{bucket.url}/of/clogs"}
    return replace(workspace, environment=workspace.environment | settings)


@pytest.fixture
def mongo_workspace(tmp_path: Path, mongo_uri: str, collection_name: str) -> Workspace:
    """A workspace whose settings name an empty collection on the running server."""
    return new_workspace(tmp_path, mongo_uri, collection_name)


def new_workspace(tmp_path: Path, uri: str, collection: str) -> Workspace:
    """A workspace that keeps everything below a folder, on a server and a collection."""
    home = tmp_path / "home"
    folder = tmp_path / "cwd"
    home.mkdir()
    folder.mkdir()
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    settings = {
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "DATA_DIR": str(tmp_path / "data"),
        "MONGO_URI": uri,
        "MONGO_DB": DATABASE,
        "MONGO_COLLECTION": collection,
    }
    return Workspace(folder, kept | settings)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium; tests that need one are marked by `browsing.NEEDS_CHROMIUM`."""
    driver = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    home = {**os.environ, "HOME": str(tmp_path_factory.mktemp("home"))}
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET, env=home)
        yield browser
        browser.close()


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    made = Tools(tmp_path / "bin")
    made.folder.mkdir()
    made.add("crontab", CRONTAB)
    return made


@pytest.fixture
def only_tools(tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    monkeypatch.setenv("PATH", str(tools.folder))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tools
