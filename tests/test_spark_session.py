"""How Spark is started; run by ``nox -s spark``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest
from clusters import settings
from conftest import new_workspace
from engines import PROPERTIES

from clogs.spark.session import LOG_BYTES

pytest.importorskip("pyspark.java_gateway", reason="nox -s spark installs it")

NO_JAVA = os.environ | {"JAVA_HOME": "/nowhere"}
SECRET = 's3cré€😀t\\a "b"'  # noqa: S105  # of a test
PROGRAM = """
import subprocess, sys
from pathlib import Path
from clogs.spark.session import SparkConfig, spark_session
place = Path(sys.argv[1])
config = {"spark.jars": "", "spark.sql.session.timeZone": "Asia/Tokyo", "spark.x.password": sys.stdin.read()}
with spark_session(
    SparkConfig(master="local[1]", catalog="clogs", data_dir=place, state_dir=place, config=config)
) as spark:
    print(spark.conf.get("spark.x.password"))
    print(spark.conf.get("spark.sql.session.timeZone"))
    print(subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout)
"""
KEEPING = """
import json, sys
from pathlib import Path
from clogs.spark.merge import kept
from clogs.spark.session import SparkConfig, spark_session
place, config = Path(sys.argv[1]), json.loads(sys.argv[2])
with spark_session(
    SparkConfig(master="local[1]", catalog="clogs", data_dir=place, state_dir=place, config=config)
) as spark:
    kept(spark.range(1), "one")
    print(len([*Path(config["spark.checkpoint.dir"]).rglob("part-*")]))
"""


def test_a_secret_reaches_spark_and_stays_on_no_command_line_and_no_disk(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    finished = subprocess.run(
        command,
        input=SECRET,
        capture_output=True,
        encoding="utf-8",
        check=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    seen, zone, commands = finished.stdout.split("\n", 2)
    assert (seen, zone) == (SECRET, "UTC")
    assert "org.apache.spark.deploy.SparkSubmit" in commands
    assert "s3cr" not in commands
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if b"s3cr" in path.read_bytes()] == []


def test_no_checkpoint_is_left_and_nothing_in_the_current_folder(tmp_path: Path) -> None:
    folder, here = tmp_path / "checkpoints", tmp_path / "here"
    here.mkdir()
    config = PROPERTIES | {"spark.checkpoint.dir": str(folder)}
    command = [sys.executable, "-c", KEEPING, str(tmp_path), json.dumps(config)]
    finished = subprocess.run(command, cwd=here, capture_output=True, encoding="utf-8", check=True)
    assert int(finished.stdout) > 0
    assert [*folder.iterdir(), *here.iterdir()] == []


JAVA_8 = """#!/bin/sh
echo 'Exception in thread "main" java.lang.UnsupportedClassVersionError: org/apache/spark/launcher/Main' >&2
exit 1
"""
OF_JDBC = {
    "spark.sql.catalog.clogs.type": "jdbc",
    "spark.sql.catalog.clogs.warehouse": "{place}/tables",
    "spark.sql.catalog.clogs.jdbc.schema-version": "V1",
    "spark.sql.catalog.clogs.uri": "jdbc:sqlite:{place}/catalog.db?open_mode=1",
}
NO_DRIVER = OF_JDBC | {"spark.sql.catalog.clogs.uri": "jdbc:postgresql://ann:s3cret@127.0.0.1:9/lake"}
OF_REST = {
    "spark.sql.catalog.clogs.type": "rest",
    "spark.sql.catalog.clogs.uri": "http://127.0.0.1:9",
}

NONE: Mapping[str, str] = MappingProxyType({})


class Bad(NamedTuple):
    """Settings that cannot work, and what is said then."""

    code: int
    problem: str
    hint: str
    variables: Mapping[str, str] = NONE
    config: Mapping[str, str] = NONE


JAVA = "Install Java 17 or 21"
JARS = "Let spark.jars in spark.config (SPARK_CONFIG) name"
BAD = {
    "a master that is none": Bad(78, "= 'nonsense'", "clogs init", {"SPARK_MASTER": "nonsense"}),
    "a master that is away": Bad(
        69, "no master answers.", "set spark.master", {"SPARK_MASTER": "spark://127.0.0.1:9"}
    ),
    "Java 8": Bad(1, "this Java is too old.", JAVA, {"PATH": "{place}/java8:/usr/bin:/bin"}),
    "no Java": Bad(1, "Java was not found.", JAVA, {"JAVA_HOME": "{place}"}),
    "Spark 4.3": Bad(1, "PySpark 4.3.0 is", "pip install 'clogs[spark]'", {"PYTHONPATH": "{place}/spark43"}),
    "no jar of Iceberg's": Bad(
        1, "Cannot find catalog plugin class", JARS, config={"spark.jars": "{place}/none.jar"}
    ),
    "no jar of the catalog's driver": Bad(1, "No suitable driver", JARS, config=NO_DRIVER),
    "jars that Maven does not have": Bad(
        69, "jars cannot be fetched from Maven.", JARS, config={"spark.jars.packages": "none:none:1"}
    ),
    "a catalog without rights": Bad(69, "[SQLITE_READONLY]", "may write to it", config=OF_JDBC),
    "a catalog of one's own that is gone": Bad(69, "[SQLITE_CANTOPEN]", "Check that the catalog"),
    "a catalog that is away": Bad(69, "Connection refused", "Check that the catalog", config=OF_REST),
}


@pytest.mark.slow
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_settings_are_a_short_error_with_the_next_step(tmp_path: Path, bad: Bad) -> None:
    workspace = new_workspace(tmp_path, "mongodb://127.0.0.1:9", "none")
    for path, text in (("java8/java", JAVA_8), ("spark43/pyspark/__init__.py", '__version__ = "4.3.0"')):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    (tmp_path / "java8" / "java").chmod(0o755)
    (tmp_path / "catalog.db").touch()
    (tmp_path / "data" / "iceberg").mkdir(parents=True)
    given = {**settings("local[1]", **bad.config), **bad.variables}
    variables = {name: value.replace("{place}", str(tmp_path)) for name, value in given.items()}
    stderr = workspace.refusal("load", code=bad.code, **variables)
    assert bad.problem in stderr
    assert bad.hint in stderr
    assert len(stderr.splitlines()) <= 3  # and nothing that Spark logs
    assert "s3cret" not in stderr


def test_a_log_that_is_too_long_begins_anew(tmp_path: Path) -> None:
    log = tmp_path / "spark.log"
    log.write_bytes(b"long ago\n")
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    for size in (LOG_BYTES, LOG_BYTES + 1):
        os.truncate(log, size)
        subprocess.run(command, input="", capture_output=True, encoding="utf-8", check=False, env=NO_JAVA)
        assert (log.stat().st_size > size, b"long ago" in log.read_bytes()) == (size == LOG_BYTES,) * 2
