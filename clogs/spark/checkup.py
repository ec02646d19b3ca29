"""What ``clogs doctor`` finds out about Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from clogs import __version__
from clogs.errors import ClogsError
from clogs.files import obstacle
from clogs.health.findings import Finding
from clogs.landing.files import landed
from clogs.landing.objects import ObjectPath
from clogs.landing.place import Place
from clogs.mongo import Address, connect
from clogs.spark.lens import Lens
from clogs.terminal.text import count

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyspark.sql import SparkSession


def checkup(spark: SparkSession, lens: Lens, *, raw_dir: Place, address: Address | None) -> Iterator[Finding]:
    """Check the versions, the catalog, the tables' files, and that an executor reaches what it reads.

    It has to read the landing, and the collection where there is an address, and to have this clogs.
    """
    java = spark.sql("SELECT java_method('java.lang.System', 'getProperty', 'java.version')").collect()[0][0]
    yield Finding("spark", "ok", f"Spark {spark.version} on Java {java}, at {spark.sparkContext.master}.")
    schemas = [row.namespace for row in spark.sql("SHOW NAMESPACES").collect()]
    yield Finding("catalog", "ok", f"Iceberg's catalog has {', '.join(schemas) or 'no table yet'}.")
    yield _files(lens)
    is_there = not isinstance(raw_dir, Path) or raw_dir.exists()  # until then a run creates it
    look = partial(_look, str(raw_dir) if is_there else None, address)
    one_task = spark.range(0, 1, 1, 1)
    (seen,) = one_task.mapInArrow(look, "clogs STRING, landing STRING, source STRING").collect()
    if seen.clogs != __version__:
        problem = f"The executors have clogs {seen.clogs}, and this is {__version__}."
        yield Finding("executors", "error", problem, "Install the same version on all machines.")
    elif seen.landing:
        problem = f"An executor does not reach {raw_dir}: {seen.landing}"
        yield Finding("executors", "error", problem, "Set data.raw_dir to a place that all machines reach.")
    elif seen.source:
        problem = f"An executor does not reach MongoDB: {seen.source}"
        yield Finding("executors", "error", problem, "Let all machines of the cluster reach mongo.uri.")
    else:
        reached = [str(raw_dir)] if is_there else []
        reached += ["MongoDB"] if address else []
        also = f", and reaches {' and '.join(reached)}" if reached else ""
        yield Finding("executors", "ok", f"An executor has clogs {seen.clogs}{also}.")


def _files(lens: Lens) -> Finding:
    """Whether this machine sees the tables' files."""
    faults = lens.unreadable()
    if not faults:
        return Finding("tables", "ok", "The tables can be read.")
    name, fault = next(iter(faults.items()))
    return Finding(
        "tables",
        "error",
        f"{count(len(faults), 'table')} cannot be read, {name} for one. {fault}",
        "Bring the files back, or drop the tables of all four schemas from the catalog: clogs pipeline builds"
        " them from the landing. The local catalog is catalog.db and iceberg in data.dir: remove both.",
    )


def _look(raw_dir: str | None, address: Address | None, _: Iterable[RecordBatch]) -> Iterator[RecordBatch]:
    """The version of clogs in a task, and why it does not reach landing and source, if it does not."""
    import pyarrow as pa

    looks = {"landing": partial(_look_at, raw_dir), "source": partial(_ask, address)}
    faults = {name: pa.array([_fault(look)], pa.string()) for name, look in looks.items()}
    yield pa.RecordBatch.from_pydict({"clogs": [__version__], **faults})


def _fault(look: Callable[[], object]) -> str | None:
    try:
        look()
    except ClogsError as error:
        return error.message
    return None


def _look_at(raw_dir: str | None) -> None:
    if not raw_dir:
        return
    landing = ObjectPath.parse(raw_dir) or Path(raw_dir)
    if isinstance(landing, Path) and (found := obstacle(landing)):
        raise ClogsError(f"{found[0]}.")
    any(landed(landing))


def _ask(address: Address | None) -> None:
    if address:
        with connect(address) as source:
            source.exists()
