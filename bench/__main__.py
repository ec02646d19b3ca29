"""Measures as ratios of things measured in one run.

``python -m bench [SCALE [extraction|changes|loading|transforming|validating|runs|spark]]``; Spark is measured
only where it is named.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table

from bench.changes import changes
from bench.extraction import extraction
from bench.loading import loading
from bench.rows import Row
from bench.runs import runs
from bench.spark import spark
from bench.transforming import transforming
from bench.validating import validating

PARTS: dict[str, Callable[[float], Iterator[Row]]] = {
    "extraction": extraction,
    "changes": changes,
    "loading": loading,
    "transforming": transforming,
    "validating": validating,
    "runs": runs,
    "spark": spark,
}


def main(scale: float, *names: str) -> None:
    """Measure everything, or some parts, and print a table of each."""
    console = Console(width=140)
    tables = []
    for name in names or [name for name in PARTS if name != "spark"]:
        table = Table(
            "measure", "figures", "result", "to reach", "", title=name.capitalize(), title_justify="left"
        )
        for row in PARTS[name](scale):
            table.add_row(row.measure, row.figures, f"{row.value:.2f}", row.bound, row.mark)
            line = f"{row.mark} {row.measure}: {row.value:.2f} ({row.bound}); {row.figures}"
            console.print(line, style="dim")
        tables.append(table)
    console.print(*tables, sep="\n")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0, *sys.argv[2:])
