"""A session of Spark, with the catalog of the tables."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from clogs.errors import ClogsError
from clogs.files import make_private_dir, write_content
from clogs.spark.faults import naming

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PACKAGES = ("org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0", "org.xerial:sqlite-jdbc:3.50.3.0")
"""What Spark fetches from Maven unless the settings name jars: Iceberg, and the local catalog's driver."""

VERSION = "4.1"
"""The release of Spark that `PACKAGES` are built for."""

LOG_BYTES = 10 * 1024**2
"""A session begins Spark's log anew where it is larger."""

INSTALL = "Install it: pip install 'clogs[spark]'"
_JARS = {"spark.jars", "spark.jars.packages"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkConfig:
    """Settings of Spark.

    Attributes:
        master: Where it runs, as Spark writes it: ``local[*]``, ``spark://host:7077``, ``yarn``.
        catalog: The Iceberg catalog's name.
        config: Spark's own properties, which come before ours, except for the time zone.
        data_dir: Where the local catalog and its tables are.
        state_dir: Where Spark's log is.
    """

    master: str
    catalog: str
    data_dir: Path
    state_dir: Path
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_local_catalog(self) -> bool:
        """Whether no property describes another catalog than that in SQLite."""
        return not any(name.startswith(f"spark.sql.catalog.{self.catalog}.") for name in self.config)

    @property
    def properties(self) -> dict[str, str]:
        """All of Spark's properties."""
        catalog = f"spark.sql.catalog.{self.catalog}"
        ours = {
            "spark.app.name": "clogs",
            "spark.master": self.master,
            "spark.cleaner.referenceTracking.cleanCheckpoints": "true",
            "spark.driver.memory": "4g",  # which is all that local[*] has
            "spark.hadoop.fs.permissions.umask-mode": "077",  # which takes precedence over the process's own
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.defaultCatalog": self.catalog,
            "spark.sql.pyspark.jvmStacktrace.enabled": "true",  # whose causes an error's message leaves out
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            catalog: "org.apache.iceberg.spark.SparkCatalog",
        }
        if self.is_local_catalog:
            ours |= {
                f"{catalog}.type": "jdbc",
                f"{catalog}.uri": f"jdbc:sqlite:{self.data_dir / 'catalog.db'}",
                f"{catalog}.jdbc.open_mode": "2",  # not to make an empty one where it is gone
                f"{catalog}.jdbc.schema-version": "V1",  # which has views
                f"{catalog}.warehouse": str(self.data_dir / "iceberg"),
                "spark.sql.warehouse.dir": str(self.state_dir / "spark-warehouse"),
            }
        if not _JARS & self.config.keys():
            ours["spark.jars.packages"] = ",".join(PACKAGES)
        return ours | dict(self.config) | {"spark.sql.session.timeZone": "UTC"}  # which days depend on


@contextmanager
def spark_session(config: SparkConfig) -> Iterator[SparkSession]:
    """Start Spark, and stop it; what it writes to stderr goes to ``spark.log`` in the state folder.

    Raises:
        ClogsError: PySpark is not installed, or Spark does not start, or one of its statements fails.
    """
    _require_version()
    from pyspark.sql import SparkSession

    make_private_dir(config.data_dir)
    make_private_dir(config.state_dir)
    if config.is_local_catalog and not (config.data_dir / "iceberg").exists():
        (config.data_dir / "catalog.db").touch()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    interrupt = signal.getsignal(signal.SIGINT)  # PySpark puts its own in the place of ours
    with (
        _stderr_in(config.state_dir / "spark.log") as new_log,
        naming("Spark does not start", new_log),
        _submitted(config.properties),
    ):
        session = SparkSession.builder.getOrCreate()
    signal.signal(signal.SIGINT, interrupt)
    try:
        with naming("Spark failed"):
            session.sparkContext.setLogLevel("ERROR")
            yield session
    finally:
        for end in (_remove_checkpoints, SparkSession.stop):
            with suppress(Exception):  # Java may be gone, and what it failed of is said
                end(session)


def _remove_checkpoints(spark: SparkSession) -> None:
    """Remove what this session has in ``spark.checkpoint.dir``, if it is set."""
    context: Any = spark.sparkContext  # whose way to Hadoop's file systems has no types
    if folder := context.getCheckpointDir():
        path = context._jvm.org.apache.hadoop.fs.Path(folder)  # noqa: SLF001
        path.getFileSystem(context._jsc.hadoopConfiguration()).delete(path, True)  # noqa: FBT003, SLF001


def _require_version() -> None:
    try:
        import pyspark
    except ImportError as exc:
        raise ClogsError("engine.kind is spark, and PySpark is not installed.", hint=INSTALL) from exc
    if not pyspark.__version__.startswith(f"{VERSION}."):
        problem = f"PySpark {pyspark.__version__} is installed, and Iceberg's tables need {VERSION}."
        raise ClogsError(problem, hint=INSTALL)


@contextmanager
def _submitted(properties: Mapping[str, str]) -> Iterator[None]:
    """Have Spark that is started inside read properties from a file: its command line is seen by others."""
    # JSON's escapes are those of Java's properties
    lines = (f"{name}={json.dumps(value)[1:-1]}\n" for name, value in properties.items())
    given = os.environ.get("PYSPARK_SUBMIT_ARGS", "pyspark-shell")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "spark.properties"
        write_content(path, "".join(lines).encode("ascii"))
        os.environ["PYSPARK_SUBMIT_ARGS"] = (
            f"--properties-file {quote(str(path))} --load-spark-defaults {given}"
        )
        try:
            yield
        finally:
            os.environ["PYSPARK_SUBMIT_ARGS"] = given


@contextmanager
def _stderr_in(log: Path) -> Iterator[Callable[[], str]]:
    """Let a process that is started inside have a file for its stderr, of which what is new can be read."""
    sys.stderr.flush()
    kept = os.dup(2)
    with log.open("ab") as file:
        if file.tell() > LOG_BYTES:
            file.truncate(0)  # and not another file: Java goes on with this one in the sessions that follow
        before = file.seek(0, os.SEEK_END)
        os.dup2(file.fileno(), 2)
        try:
            yield lambda: log.read_bytes()[before:].decode("utf-8", "replace")
        finally:
            os.dup2(kept, 2)
            os.close(kept)
