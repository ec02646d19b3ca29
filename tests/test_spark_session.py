"""How Spark is started; run by ``nox -s spark``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyspark.java_gateway", reason="nox -s spark installs it")

SECRET = 's3cré€😀t\\a "b"'  # noqa: S105  # of a test
PROGRAM = """
import subprocess, sys
from pathlib import Path
from clogs.spark.session import SparkConfig, spark_session
place = Path(sys.argv[1])
config = {"spark.jars": "", "spark.x.password": sys.stdin.read()}
with spark_session(
    SparkConfig(master="local[1]", catalog="clogs", data_dir=place, state_dir=place, config=config)
) as spark:
    print(spark.conf.get("spark.x.password"))
    print(subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout)
"""


def test_a_secret_reaches_spark_and_no_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    finished = subprocess.run(command, input=SECRET, capture_output=True, encoding="utf-8", check=True)
    seen, _, commands = finished.stdout.partition("\n")
    assert seen == SECRET
    assert "org.apache.spark.deploy.SparkSubmit" in commands
    assert "s3cr" not in commands
    assert (tmp_path / "spark.properties").stat().st_mode & 0o077 == 0
