"""A session of Spark, with the catalog of the tables."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from clogs import errors
from clogs.errors import ClogsError
from clogs.files import make_private_dir, write_atomic

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PACKAGES = ("org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0", "org.xerial:sqlite-jdbc:3.50.3.0")
"""What Spark fetches from Maven unless the settings name jars: Iceberg, and the local catalog's driver."""

_JARS = {"spark.jars", "spark.jars.packages"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkConfig:
    """Settings of Spark.

    Attributes:
        master: Where it runs, as Spark writes it: ``local[*]``, ``spark://host:7077``, ``yarn``.
        catalog: The Iceberg catalog's name.
        config: Spark's own properties, which come before ours.
        data_dir: Where the local catalog and its tables are.
        state_dir: Where Spark's log is.
    """

    master: str
    catalog: str
    data_dir: Path
    state_dir: Path
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def properties(self) -> dict[str, str]:
        """All of Spark's properties."""
        catalog = f"spark.sql.catalog.{self.catalog}"
        ours = {
            "spark.app.name": "clogs",
            "spark.master": self.master,
            "spark.cleaner.referenceTracking.cleanCheckpoints": "true",
            "spark.driver.memory": "4g",  # which is all that local[*] has
            "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
            "spark.sql.defaultCatalog": self.catalog,
            "spark.sql.session.timeZone": "UTC",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            catalog: "org.apache.iceberg.spark.SparkCatalog",
        }
        if not any(name.startswith(f"{catalog}.") for name in self.config):
            ours |= {
                f"{catalog}.type": "jdbc",
                f"{catalog}.uri": f"jdbc:sqlite:{self.data_dir / 'catalog.db'}",
                f"{catalog}.jdbc.schema-version": "V1",  # which has views
                f"{catalog}.warehouse": str(self.data_dir / "iceberg"),
            }
        if not _JARS & self.config.keys():
            ours["spark.jars.packages"] = ",".join(PACKAGES)
        return ours | dict(self.config)


@contextmanager
def spark_session(config: SparkConfig) -> Iterator[SparkSession]:
    """Start Spark, and stop it; what it writes to stderr goes to ``spark.log`` in the state folder.

    Raises:
        ClogsError: PySpark is not installed, or Spark does not start, or one of its statements fails.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as exc:
        raise ClogsError(
            "engine.kind is spark, and PySpark is not installed.",
            hint="Install it: pip install 'clogs[spark]'",
        ) from exc
    make_private_dir(config.data_dir)
    log = make_private_dir(config.state_dir) / "spark.log"
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    properties = _submitted(config.state_dir / "spark.properties", config.properties)
    needed = f"Java 17 or 21 has to be installed, and Iceberg's jars reachable. Spark's log: {log}"
    interrupt = signal.getsignal(signal.SIGINT)  # PySpark puts its own in the place of ours
    with naming("Spark does not start", hint=needed), properties, _stderr_in(log):
        session = SparkSession.builder.getOrCreate()
    signal.signal(signal.SIGINT, interrupt)
    try:
        with naming("Spark failed", hint=f"Spark's log: {log}"):
            session.sparkContext.setLogLevel("ERROR")
            yield session
    finally:
        with suppress(Exception):  # Java may be gone, and what it failed of is said
            session.stop()


@contextmanager
def naming(what: str, *, hint: str | None = None) -> Iterator[None]:
    """Map the errors of PySpark and of its way to Java to ours; those of ours in a task come back as such.

    Raises:
        ClogsError: One was raised; it begins with what failed.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError, OSError) as exc:
        raise _of_task(exc, hint) or ClogsError(f"{what}: {_reason(exc)}", hint=hint) from exc


@contextmanager
def _submitted(path: Path, properties: Mapping[str, str]) -> Iterator[None]:
    """Have Spark that is started inside read properties from a file: its command line is seen by others."""
    # JSON's escapes are those of Java's properties
    lines = (f"{name}={json.dumps(value)[1:-1]}\n" for name, value in properties.items())
    write_atomic(path, partial(Path.write_text, data="".join(lines), encoding="ascii"))
    given = os.environ.get("PYSPARK_SUBMIT_ARGS", "pyspark-shell")
    ours = f"--properties-file {quote(str(path))} --load-spark-defaults {given}"
    os.environ["PYSPARK_SUBMIT_ARGS"] = ours
    try:
        yield
    finally:
        os.environ["PYSPARK_SUBMIT_ARGS"] = given


def _of_task(exc: Exception, hint: str | None) -> ClogsError | None:
    """The error of ours that a task ended with, if it was one."""
    found = re.search(rf"^{errors.__name__}\.(\w+): (.+)$", str(exc), re.MULTILINE)
    return getattr(errors, found[1])(found[2], hint=hint) if found else None


def _reason(exc: Exception) -> str:
    """What an error of Java's or Spark's says, without stacks and plans: the first line of any meaning."""
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("An error occurred while calling")]
    return re.sub(r"^:? ?(?:[a-z]\w*\.)+\w+: ", "", (told or lines or [type(exc).__name__])[0])


@contextmanager
def _stderr_in(log: Path) -> Iterator[None]:
    """Let a process that is started inside have a file for its stderr."""
    sys.stderr.flush()
    kept = os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
