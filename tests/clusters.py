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

QUICK_START = dict.fromkeys(
    ("spark.driver.extraJavaOptions", "spark.executor.extraJavaOptions"),
    "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC",
)
"""To compile less takes a third off a command on few rows, where two of them share two cores."""


def settings(master: str = "local[2]", **properties: str) -> dict[str, str]:
    """Settings, as environment variables."""
    written = PROPERTIES | QUICK_START | properties
    config = ", ".join(f'"{name}" = "{value}"' for name, value in written.items())
    return {"ENGINE_KIND": "spark", "SPARK_MASTER": master, "SPARK_CONFIG": f"{{ {config} }}"}


SPARK = settings()


@contextmanager
def standalone(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a cluster of two workers, whose files are in a folder: its address, and the workers.

    They are two hosts, as Linux has it: Spark starts a copy of a task on another one only.
    """
    import pyspark

    port = free_port()
    address = f"spark://127.0.0.1:{port}"
    deploy = [Path(pyspark.__file__).parent / "bin" / "spark-class"]
    common = ["--webui-port", "0", "--host"]
    roles = [["org.apache.spark.deploy.master.Master", "--port", str(port), *common, "127.0.0.1"]]
    worker = ["org.apache.spark.deploy.worker.Worker", "--cores", "1", "--memory", "2g", address]
    roles += [[*worker, *common, host] for host in ("127.0.0.1", "127.0.0.2")]
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


def freeze(worker: subprocess.Popen[bytes]) -> None:
    """Stop a worker's executor, but not its Python."""
    subprocess.run(["pkill", "-STOP", "-P", str(worker.pid)], check=True)  # noqa: S607


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
