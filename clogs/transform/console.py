"""SQLMesh's console turned into ours: it prints nothing, reports each model and remembers what failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlmesh.core.console import NoopConsole
from sqlmesh.core.snapshot import Intervals, Snapshot
from sqlmesh.utils.concurrency import NodeExecutionFailedError

OnModel = Callable[[str, int, int], None]


class RecordingConsole(NoopConsole):
    """Records the models that were built and the ones that failed, in the order they ended.

    Args:
        on_model: Called with each model's name, how many are done and how many are known to be due.

    Attributes:
        seconds: Wall time of each model that was built and passed its audits, by name.
        failures: What stopped the others.
    """

    def __init__(self, on_model: OnModel) -> None:
        super().__init__()
        self.seconds: dict[str, float] = {}
        self.failures: list[NodeExecutionFailedError[Any]] = []
        self._on_model = on_model
        self._done = 0
        self._due = 0

    def start_evaluation_progress(
        self, batched_intervals: dict[Snapshot, Intervals], *args: object, **kwargs: object
    ) -> None:
        """Count the models that are due."""
        del args, kwargs
        self._due += len(batched_intervals)

    def update_snapshot_evaluation_progress(
        self,
        snapshot: Snapshot,
        interval: object,
        batch_idx: int,
        duration_ms: int | None,
        *args: object,
        **kwargs: object,
    ) -> None:
        """Record a model; SQLMesh reports no duration for one that failed."""
        del interval, batch_idx, args, kwargs
        self._done += 1
        if duration_ms is not None:
            self.seconds[snapshot.model.name] = duration_ms / 1000
        self._on_model(snapshot.model.name, self._done, self._due)

    def log_failed_models(self, errors: list[NodeExecutionFailedError[Any]]) -> None:
        """Remember what stopped each model."""
        self.failures.extend(errors)

    def log_warning(self, short_message: str, long_message: str | None = None) -> None:
        """Drop it: what matters ends as a failure."""
