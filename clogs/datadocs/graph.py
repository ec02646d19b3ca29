"""The models as a graph, drawn from left to right in layers.

After Sugiyama, Tagawa and Toda (1981): each model stands one column to the right of the farthest that it
reads; an edge across several columns passes through a waypoint in each of them; the order inside a column
is swept towards the middle of the neighbours; then everything is moved as close to its neighbours as the
order allows. Edges from one model share their waypoints, so they run as one until they part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise
from statistics import fmean

from clogs.schema import Model

Slot = tuple[str, int]
"""A name in a column: the model itself in its own, a waypoint of its edges in those after."""

NODE_HEIGHT = 28.0
CHARACTER = 6.7
"""Width of a character of the monospaced names at 11 px, rounded up."""

_PADDING = 22.0
_GAP = 10.0
_COLUMN_GAP = 46.0
_MARGIN = 6.0
_SWEEPS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A model in its place, in pixels from the top left."""

    name: str
    x: float
    y: float
    width: float
    height: float = NODE_HEIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What is read, by whom, and the path from one to the other, as SVG writes it."""

    parent: str
    child: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Everything drawn, and how large that is."""

    width: float
    height: float
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def graph(models: Sequence[Model]) -> Graph:
    """Lay out models, and what else they read."""
    parents = {model.name: model.parents for model in models}
    columns = _columns(parents)
    ways = _ways(parents, columns)
    links = sorted({link for way in ways.values() for link in pairwise(way)})
    order = _ordered(columns, links)
    middles = _placed(order, links, columns)
    lefts, widths = _across(order, columns)
    nodes = tuple(
        Node(
            name=name,
            x=lefts[column],
            y=middles[name, column] - NODE_HEIGHT / 2,
            width=_width(name),
        )
        for name, column in sorted(columns.items())
    )
    edges = tuple(
        Edge(parent=parent, child=child, path=_path(way, middles, lefts, widths))
        for (parent, child), way in sorted(ways.items())
    )
    return Graph(
        width=max((node.x + node.width for node in nodes), default=0) + _MARGIN,
        height=max(middles.values(), default=0) + NODE_HEIGHT / 2 + _MARGIN,
        nodes=nodes,
        edges=edges,
    )


def _columns(parents: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The column of each model; what reads nothing stands just before the first that reads it."""
    columns: dict[str, int] = {}
    for name in TopologicalSorter(parents).static_order():
        columns[name] = 1 + max((columns[parent] for parent in parents.get(name, ())), default=-1)
    for name in columns:
        readers = [columns[child] for child, read in parents.items() if name in read]
        if not parents.get(name) and readers:
            columns[name] = min(readers) - 1
    return columns


def _ways(
    parents: Mapping[str, Sequence[str]], columns: Mapping[str, int]
) -> dict[tuple[str, str], list[Slot]]:
    """The slots that each edge passes, both ends among them."""
    return {
        (parent, child): [
            *((parent, column) for column in range(columns[parent], columns[child])),
            (child, columns[child]),
        ]
        for child, read in parents.items()
        for parent in read
    }


def _ordered(columns: Mapping[str, int], links: Sequence[tuple[Slot, Slot]]) -> list[list[Slot]]:
    """The slots of each column, from top to bottom: the order of all that were tried that crosses least."""
    slots = sorted({*columns.items(), *(slot for link in links for slot in link)})
    order = [
        [slot for slot in slots if slot[1] == column]
        for column in range(1 + max(columns.values(), default=-1))
    ]
    best, least = order, _crossings(order, links)
    for sweep in range(_SWEEPS):
        neighbours = _neighbours(links, backwards=sweep % 2 == 0)
        order = [list(column) for column in order]
        for column in order if sweep % 2 == 0 else reversed(order):
            places = {slot: float(place) for each in order for place, slot in enumerate(each)}
            column.sort(key=lambda slot: _middle(slot, neighbours, places))
        if (crossings := _crossings(order, links)) < least:
            best, least = order, crossings
    return best


def _crossings(order: Sequence[Sequence[Slot]], links: Sequence[tuple[Slot, Slot]]) -> int:
    places = {slot: place for column in order for place, slot in enumerate(column)}
    spans = [(start[1], places[start], places[end]) for start, end in links]
    return sum(
        column == other and (top - above) * (bottom - below) < 0
        for index, (column, top, bottom) in enumerate(spans)
        for other, above, below in spans[:index]
    )


def _neighbours(links: Sequence[tuple[Slot, Slot]], *, backwards: bool) -> dict[Slot, list[Slot]]:
    """What each slot is linked to in the column before it, or in the one after it."""
    found: dict[Slot, list[Slot]] = {}
    for start, end in links:
        slot, neighbour = (end, start) if backwards else (start, end)
        found.setdefault(slot, []).append(neighbour)
    return found


def _middle(slot: Slot, neighbours: Mapping[Slot, Sequence[Slot]], places: Mapping[Slot, float]) -> float:
    return fmean(places[each] for each in neighbours[slot]) if slot in neighbours else places[slot]


def _placed(
    order: Sequence[Sequence[Slot]], links: Sequence[tuple[Slot, Slot]], columns: Mapping[str, int]
) -> dict[Slot, float]:
    """How far down the middle of each slot is."""
    middles = {slot: place * NODE_HEIGHT for column in order for place, slot in enumerate(column)}
    for sweep in range(_SWEEPS):
        neighbours = _neighbours(links, backwards=sweep % 2 == 0)
        for column in order if sweep % 2 == 0 else reversed(order):
            wanted = [_middle(slot, neighbours, middles) for slot in column]
            heights = [NODE_HEIGHT if columns[name] == place else 0.0 for name, place in column]
            middles |= zip(column, _apart(wanted, heights), strict=True)
    top = min(middles.values(), default=0) - NODE_HEIGHT / 2 - _MARGIN
    return {slot: middle - top for slot, middle in middles.items()}


def _apart(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """The places nearest to those wanted, in least squares, that keep order and distance.

    Less the distances it is an isotonic regression: neighbours out of order are pooled at their mean.
    """
    offsets = [0.0]
    for above, below in pairwise(heights):
        offsets.append(offsets[-1] + (above + below) / 2 + _GAP)
    pools: list[list[float]] = []
    for want, offset in zip(wanted, offsets, strict=False):
        pools.append([want - offset])
        while len(pools) > 1 and fmean(pools[-2]) > fmean(pools[-1]):
            last = pools.pop()
            pools[-1].extend(last)
    levels = [fmean(pool) for pool in pools for _ in pool]
    return [level + offset for level, offset in zip(levels, offsets, strict=False)]


def _across(order: Sequence[Sequence[Slot]], columns: Mapping[str, int]) -> tuple[list[float], list[float]]:
    """Where each column begins, and how wide it is."""
    widths = [max(_width(name) for name, place in column if columns[name] == place) for column in order]
    lefts = [_MARGIN]
    for width in widths:
        lefts.append(lefts[-1] + width + _COLUMN_GAP)
    return lefts, widths


def _width(name: str) -> float:
    return len(name.rpartition(".")[2]) * CHARACTER + _PADDING


def _path(
    way: Sequence[Slot], middles: Mapping[Slot, float], lefts: Sequence[float], widths: Sequence[float]
) -> str:
    """Level across columns, curved between them."""
    (name, column), *rest = way
    x, y = lefts[column] + _width(name), middles[way[0]]
    parts = [f"M{x:.1f} {y:.1f}H{lefts[column] + widths[column]:.1f}"]
    x = lefts[column] + widths[column]
    for slot in rest:
        left, below = lefts[slot[1]], middles[slot]
        bend = (x + left) / 2
        parts.append(f"C{bend:.1f} {y:.1f} {bend:.1f} {below:.1f} {left:.1f} {below:.1f}")
        x, y = left, below
        if slot != way[-1]:
            x += widths[slot[1]]
            parts.append(f"H{x:.1f}")
    return "".join(parts)
