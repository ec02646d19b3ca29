"""What the warehouse is made of: its tables and what each is built from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model.

    Attributes:
        name: Schema and table, such as ``gold.fct_messages``.
        description: What one row is.
        key: The columns that tell its rows apart; none where it declares no grain.
        parents: What it reads, by name, sorted; ``raw.conversations`` among it.
        is_table: Whether the warehouse has a table or view of it; else it is a step within its readers.
    """

    name: str
    description: str
    key: tuple[str, ...]
    parents: tuple[str, ...]
    is_table: bool
