"""What the models are and what each is built from, as SQLMesh reads their files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from clogs.errors import ModelsError
from clogs.schema import Model
from clogs.transform.settings import TransformSettings
from clogs.transform.stage import prepare_sqlmesh, require_conversations

if TYPE_CHECKING:
    from sqlmesh.core.model import Model as SQLMeshModel


def lineage(settings: TransformSettings) -> tuple[Model, ...]:
    """Read all models, by name; nothing is built.

    Extra models that SQLMesh does not understand are left out, all of them: a mistake in one of them must
    not hide the others.

    Raises:
        WarehouseError: The file cannot be opened, or there is nothing to transform.
        ModelsError: SQLMesh does not understand our models.
    """
    require_conversations(settings)
    prepare_sqlmesh(settings)
    try:
        return _read(settings)
    except ModelsError:
        if not settings.extra_models:
            raise
        return _read(replace(settings, extra_models=None))


def _read(settings: TransformSettings) -> tuple[Model, ...]:
    from clogs.transform.console import RecordingConsole
    from clogs.transform.context import open_context

    with open_context(settings, RecordingConsole(lambda _name, _done, _due: None)) as context:
        return tuple(sorted(map(_model, context.models.values()), key=lambda model: model.name))


def _model(model: SQLMeshModel) -> Model:
    from sqlglot import exp

    return Model(
        name=model.name,
        description=model.description or "",
        key=tuple(column.name for grain in model.grains for column in grain.find_all(exp.Column)),
        parents=tuple(sorted(map(_name, model.depends_on or ()))),
        is_table=not model.kind.is_embedded,
    )


def _name(fqn: str) -> str:
    """Schema and table, without the catalog."""
    from sqlglot import exp

    table = exp.to_table(fqn, dialect="duckdb")
    return f"{table.db}.{table.name}"
