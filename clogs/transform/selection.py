"""What ``--models`` selects: ``fct_messages``, ``gold.fct_messages``, ``gold.*``, ``+fct_messages``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from clogs.errors import UsageError

Parents = Mapping[str, frozenset[str]]
"""The models that each model reads, by name (``gold.fct_messages``)."""


def select_models(selections: Sequence[str], parents: Parents) -> frozenset[str]:
    """Name the models that at least one of the selections means.

    A leading ``+`` adds all that the model is built from, a trailing one all that is built from it.

    Raises:
        UsageError: A selection matches no model.
    """
    if not selections:
        return frozenset(parents)
    return frozenset().union(*(_select(selection, parents) for selection in selections))


def _select(selection: str, parents: Parents) -> frozenset[str]:
    pattern = selection.strip("+").lower()
    found = {name for name in parents if fnmatchcase(name, pattern) or fnmatchcase(_bare(name), pattern)}
    if not found:
        near = get_close_matches(_bare(pattern), [_bare(name) for name in sorted(parents)])
        hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(sorted(parents))}."
        raise UsageError(f"No model matches {selection!r}.", hint=hint)
    selected = set(found)
    if selection.startswith("+"):
        selected |= _reach(found, parents)
    if selection.endswith("+"):
        children = {
            name: frozenset(child for child, names in parents.items() if name in names) for name in parents
        }
        selected |= _reach(found, children)
    return frozenset(selected)


def _reach(start: set[str], edges: Parents) -> set[str]:
    reached: set[str] = set()
    frontier = set(start)
    while frontier:
        frontier = {name for source in frontier for name in edges[source]} - reached
        reached |= frontier
    return reached


def _bare(name: str) -> str:
    return name.rpartition(".")[2]
