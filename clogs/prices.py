"""Price lists: the bundled one, and one of a user's own in the same form.

A list is a CSV file with a row per model, ``valid_from`` and ``prompt_above``, in USD per million tokens;
`COLUMNS` names its columns, and ``docs/how-to/prices.md`` explains them. A model that the user's list names
has its prices from that list alone.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path

from clogs.errors import SettingsError
from clogs.terminal.text import did_you_mean, shortened

BUNDLED = Path("seeds", "model_prices.csv")
"""The bundled list, in the folder of the models."""

Read = Callable[[str], object]
Row = dict[str, str]

_MOST_TOKENS = 10**12
_PLAIN_NAME = re.compile(r"[^\sA-Z/.:@\[\]]+")
_DECORATED = re.compile(
    r"-\d{8}$|-\d{4}-\d\d-\d\d$|-(latest|thinking)$|^claude-.*-v\d+$|^claude-([4-9]|[1-9]\d)(-\d{1,2})?-[a-z]+$"
)
"""What `silver.int_api_calls` takes off a name, or turns round in it: no response would find such a price."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of a list, and the line of the file that it ends on."""

    number: int
    row: Row

    @property
    def key(self) -> tuple[str, str, int]:
        """What may be in a list once only."""
        return self.row["model"], self.row["valid_from"], int(self.row["prompt_above"])


def price_faults(path: Path) -> list[str]:
    """Return what is wrong with a list, each fault with its line and column; nothing where all is well."""
    faults: list[str] = []
    _read(path, faults)
    return faults


def price_list(bundled: Path, own: Path | None) -> str:
    """Return the prices that hold, as CSV text: those of `own`, then those of models that it does not name.

    Raises:
        SettingsError: `own` has faults.
    """
    text = bundled.read_text(encoding="utf-8")
    if own is None:
        return text
    faults: list[str] = []
    ours = [line.row for line in _read(own, faults)]
    if faults:
        raise SettingsError("\n  ".join([f"{own} is no list of prices:", *faults]))
    named = {row["model"] for row in ours}
    rows = [*ours, *(row for row in csv.DictReader(StringIO(text)) if row["model"] not in named)]
    written = StringIO()
    writer = csv.DictWriter(written, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def newest_day(text: str) -> date | None:
    """Return the day on which the newest price of a list was looked up; None if none says so."""
    days = (row["listed_on"] for row in csv.DictReader(StringIO(text)))
    return max((date.fromisoformat(day) for day in days if day), default=None)


def _read(path: Path, faults: list[str]) -> list[_Line]:
    """Read the rows without a fault, with all columns, and collect the faults."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            head = [name.strip() for name in next(rows, [])]
            wrong = list(_head_faults(head))
            faults += (f"{path} line 1: {fault}" for fault in wrong)
            if wrong:
                return []
            numbered = [(rows.line_num, cells) for cells in rows if any(map(str.strip, cells))]
            lines = list(_lines(path, head, numbered, faults))
    except OSError as exc:
        faults.append(f"{path} cannot be read: {exc.strerror}")
    except UnicodeDecodeError:
        faults.append(f"{path} is not UTF-8 text")
    except csv.Error as exc:
        faults.append(f"{path} is not CSV: {exc}")
    else:
        faults += _overlaps(path, lines)
        faults += () if faults else _gaps(path, lines)
        return lines
    return []


def _head_faults(head: Sequence[str]) -> Iterator[str]:
    for name in head:
        if name not in COLUMNS:
            yield f"unknown column {shortened(name)!r}{did_you_mean(name, COLUMNS)}"
    for name, (_, is_needed) in COLUMNS.items():
        if head.count(name) > 1:
            yield f"the column {name} stands there {head.count(name)} times"
        if is_needed and name not in head:
            yield f"the column {name} is missing"


def _lines(
    path: Path, head: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]], faults: list[str]
) -> Iterator[_Line]:
    for number, cells in rows:
        place = f"{path} line {number}"
        if len(cells) != len(head):
            faults.append(f"{place}: {len(cells)} values for {len(head)} columns")
            continue
        given = dict(zip(head, (cell.strip() for cell in cells), strict=True))
        wrong = list(_cell_faults(given))
        faults += (f"{place}, column {name}: {fault}" for name, fault in wrong)
        if wrong:
            continue
        row = {name: given.get(name, "") for name in COLUMNS}
        yield _Line(number, row | {"prompt_above": row["prompt_above"] or "0"})


def _cell_faults(given: Row) -> Iterator[tuple[str, str]]:
    for name, text in given.items():
        read, is_needed = COLUMNS[name]
        if text:
            try:
                read(text)
            except ValueError as exc:
                yield name, f"{exc}, found {shortened(text)!r}"
        elif is_needed:
            yield name, "is empty"


def _overlaps(path: Path, lines: Iterable[_Line]) -> Iterator[str]:
    first: dict[tuple[str, str, int], int] = {}
    for line in lines:
        before = first.setdefault(line.key, line.number)
        if before != line.number:
            yield f"{path} line {line.number}: the same model, valid_from and prompt_above as line {before}"


def _gaps(path: Path, lines: Iterable[_Line]) -> Iterator[str]:
    """A model's first prices must say what a short prompt costs, or some responses would have no price."""
    by_model: dict[str, list[_Line]] = {}
    for line in lines:
        by_model.setdefault(line.row["model"], []).append(line)
    for model, its_lines in by_model.items():
        first = min(line.row["valid_from"] for line in its_lines)
        beginning = [line for line in its_lines if line.row["valid_from"] == first]
        if all(line.key[2] for line in beginning):
            since = f"valid_from {first}" if first else "an empty valid_from"
            yield (
                f"{path} line {beginning[0].number}, column prompt_above:"
                f" {model} needs a row with prompt_above 0 and {since}, the price of short prompts"
            )


def _model(text: str) -> None:
    if not _PLAIN_NAME.fullmatch(text) or _DECORATED.search(text):
        raise ValueError(
            "expected a plain name such as claude-opus-4-5: lower case, dashes for dots,"
            " without provider, date and suffix"
        )


def _day(text: str) -> None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError("expected a day such as 2026-11-01")
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError("expected a day of the calendar") from None


def _number(text: str, *, most: int, decimals: int) -> Decimal:
    if not re.fullmatch(r"-?\d+(\.\d+)?", text, re.ASCII):
        raise ValueError("expected a number such as 12.50")
    number = Decimal(text)
    if number < 0:
        raise ValueError("expected 0 or more")
    if number >= most or number != round(number, decimals):
        raise ValueError(f"expected less than {most:,} with at most {decimals} decimals")
    return number


def _price(text: str) -> None:
    _number(text, most=1_000_000, decimals=6)


def _factor(text: str) -> None:
    if not _number(text, most=1000, decimals=3):
        raise ValueError("expected more than 0")


def _tokens(text: str) -> None:
    if not re.fullmatch(r"\d{1,13}", text, re.ASCII) or int(text) > _MOST_TOKENS:
        raise ValueError("expected a whole number of tokens")


COLUMNS: dict[str, tuple[Read, bool]] = {
    "model": (_model, True),
    "valid_from": (_day, False),
    "prompt_above": (_tokens, False),
    "input": (_price, True),
    "output": (_price, True),
    "cache_write_5m": (_price, True),
    "cache_write_1h": (_price, True),
    "cache_read": (_price, True),
    "fast_factor": (_factor, False),
    "region_factor": (_factor, False),
    "listed_on": (_day, False),
}
"""The columns of a list: how each value is checked, and whether it is needed."""
