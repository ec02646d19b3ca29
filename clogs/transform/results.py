"""What the stage gives back: what it did, or would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Change = Literal["new", "changed", "follows a changed model", "removed"]


@dataclass(frozen=True, slots=True)
class ModelRun:
    """One model that was brought up to date, in some seconds."""

    name: str
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class TransformResult:
    """The models that were brought up to date, each after those it is built from.

    `unchanged`: there was nothing new to follow, so none was.
    """

    models: tuple[ModelRun, ...]
    seconds: float
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """A model that a transform would build or remove because its definition changed."""

    name: str
    change: Change


@dataclass(frozen=True, slots=True)
class PlanResult:
    """What a transform would do.

    Attributes:
        models: The models that would be built or removed because their definition changed, in dependency
            order.
        documents: Documents that were loaded, changed or pruned since the last transform; None where any may
            have changed, and all models are built from nothing.
    """

    models: tuple[PlannedModel, ...]
    documents: int | None
