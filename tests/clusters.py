"""Spark as the commands start it, and a standalone cluster on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from engines import PROPERTIES

from clogs.commands.demo_server import free_port

CONFIG = "{ " + ", ".join(f'"{name}" = "{value}"' for name, value in PROPERTIES.items()) + " }"
SPARK = {"ENGINE_KIND": "spark", "SPARK_MASTER": "local[2]", "SPARK_CONFIG": CONFIG}
"""Settings, as environment variables."""


@contextmanager
def standalone(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a cluster of two workers, whose files are in a folder: its address, and the workers."""
    import pyspark

    port = free_port()
    address = f"spark://127.0.0.1:{port}"
    deploy = [Path(pyspark.__file__).parent / "bin" / "spark-class"]
    common = ["--host", "127.0.0.1", "--webui-port", "0"]
    roles = [["org.apache.spark.deploy.master.Master", *common, "--port", str(port)]]
    roles += [
        ["org.apache.spark.deploy.worker.Worker", *common, "--cores", "1", "--memory", "2g", address]
        for _ in range(2)
    ]
    environment = os.environ | {"SPARK_WORKER_DIR": str(folder / "work"), "SPARK_LOCAL_IP": "127.0.0.1"}
    with ExitStack() as stack:
        started: list[subprocess.Popen[bytes]] = []
        for role in roles:
            log = stack.enter_context((folder / f"{len(started)}.log").open("wb"))
            process = subprocess.Popen(
                [*deploy, *role], env=environment, stdout=log, stderr=log, start_new_session=True
            )
            stack.callback(end, process)
            started.append(process)
        while "Registering worker" not in (folder / "0.log").read_text(encoding="utf-8"):
            assert started[0].poll() is None
            time.sleep(0.2)
        yield address, started[1:]


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
