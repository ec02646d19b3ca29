"""What API responses cost at list prices, by a plain reading of transcripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Any

Entry = dict[str, Any]

PRICES = """
    fable-5-1 mythos-5-1             10    50     12.50  20    0.25
    fable-5 mythos-5                 10    50     12.50  20    1.00
    opus-5-5                          4    20      5      8    0.20
    opus-4-[5-8] opus-5               5    25      6.25  10    0.50
    3-opus opus-4 opus-4-0 opus-4-1  15    75     18.75  30    1.50
    sonnet-5-5<2026-10-07             2    10      2.50   4    0.20
    sonnet-5-5                        2    10      2.50   4    0.10
    sonnet-5                          2    10      2.50   4    0.20
    sonnet-4>200000                   6    22.50   7.50  12    0.60
    sonnet-4-[05]>200000              6    22.50   7.50  12    0.60
    3-sonnet 3-[57]-sonnet            3    15      3.75   6    0.30
    sonnet-4 sonnet-4-[0456]          3    15      3.75   6    0.30
    haiku-5-5>100000                  0.50  2.50   0.625  1    0.05
    haiku-5-5                         0.10  0.50   0.125  0.20 0.01
    haiku-4-5                         1     5      1.25   2    0.10
    3-5-haiku                         0.80  4      1      1.60 0.08
    3-haiku                           0.25  1.25   0.30   0.50 0.03
"""
"""USD per million tokens: input, output, cache write for 5 min and 1 h, read. The first line that fits holds:
of a model, before a day (``<``), for prompts above so many tokens (``>``)."""
FAST = {"opus-4-[67]<2026-07-25": 6, "opus-4-8": 2, "opus-5": 2}
IN_THE_US = ("opus-4-[678]", "opus-5", "opus-5-5", "sonnet-4-6", "sonnet-5", "sonnet-5-5")
REGION = 1.1
SEARCH = 0.01
MOST = 10**12
"""No request has more tokens of a kind: what says so is wrong, and counts as none."""

DECORATED = re.compile(
    r"(?:(?P<region>[a-z-]+)\.)?(?:anthropic\.)?claude-(?P<name>.+?)"
    r"(?:[-@]\d{8}|-latest|-v\d+(?::\d+)?|\[1m\]|-thinking)*"
)
TURNED = re.compile(r"(4(?:-\d)?|5(?:-\d)?)-(opus|sonnet|haiku)")


@dataclass(frozen=True, order=True)
class Response:
    """Something bought, a response or what came with one; its day is in UTC."""

    day: date
    model: str
    input: int
    output: int
    cache_5m: int
    cache_1h: int
    cache_read: int

    @property
    def tokens(self) -> tuple[int, int, int, int]:
        """Input, output, cache creation and cache read."""
        return self.input, self.output, self.cache_5m + self.cache_1h, self.cache_read

    @property
    def prompt(self) -> int:
        """Tokens of the whole prompt, cached or not."""
        return self.input + self.cache_5m + self.cache_1h + self.cache_read


@dataclass(frozen=True)
class Bought:
    """A response, an advisor's or a compaction, with what makes its price."""

    kind: str
    response: Response
    searches: int
    speed: str | None
    geo: str | None

    @property
    def cost(self) -> float | None:
        """The list price in US dollars; None where the model has none."""
        name, region = plain(self.response.model)
        price = _price(name, self.response)
        if price is None:
            return None
        response = self.response
        counts = (response.input, response.output, response.cache_5m, response.cache_1h, response.cache_read)
        factor: float = next(
            (by for of, by in FAST.items() if self.speed == "fast" and _fits(of, name, response)), 1
        )
        in_the_us = self.geo == "us" and any(fnmatchcase(name, of) for of in IN_THE_US)
        factor *= REGION if in_the_us or region else 1
        tokens = sum(count * each for count, each in zip(counts, price, strict=True)) / 1e6
        return tokens * factor + self.searches * SEARCH


def bought(entry: Entry, searches: int) -> Iterator[Bought]:
    """What the fullest line of a response says was bought, the response first."""
    model, usage = entry["message"]["model"], entry["message"].get("usage") or {}
    day = datetime.fromisoformat(entry["timestamp"]).date()
    searches += _count(usage.get("server_tool_use") or {}, "web_search_requests")
    kinds = {"advisor_message": "advisor", "compaction": "compaction"}
    served = usage.get("speed"), usage.get("inference_geo")
    yield Bought("response", _response(day, model, usage), searches, *served)
    for part in usage.get("iterations") or ():
        if part["type"] in kinds:
            yield Bought(kinds[part["type"]], _response(day, part.get("model") or model, part), 0, *served)


def output_of(entry: Entry) -> int:
    """The output tokens that a line reports."""
    return _count(entry["message"].get("usage") or {}, "output_tokens")


def plain(model: str) -> tuple[str, str | None]:
    """A model's name as the price list has it, without ``claude-``, and the region in its id."""
    found = DECORATED.fullmatch(model.lower())
    if not found:
        return model, None
    name = TURNED.sub(r"\2-\1", found["name"])
    return name, found["region"] if found["region"] != "global" else None


def _response(day: date, model: str, usage: Entry) -> Response:
    split = usage.get("cache_creation") or {}
    one_hour = _count(split, "ephemeral_1h_input_tokens")
    written = one_hour + _count(split, "ephemeral_5m_input_tokens")
    if usage.get("cache_creation_input_tokens") is not None:
        written = _count(usage, "cache_creation_input_tokens")
    one_hour = min(one_hour, written)
    return Response(
        day=day,
        model=model,
        input=_count(usage, "input_tokens"),
        output=_count(usage, "output_tokens"),
        cache_5m=written - one_hour,
        cache_1h=one_hour,
        cache_read=_count(usage, "cache_read_input_tokens"),
    )


def _count(usage: Entry, name: str) -> int:
    count = usage.get(name)
    return count if isinstance(count, int) and 0 <= count <= MOST else 0


def _price(name: str, response: Response) -> list[float] | None:
    for line in filter(None, map(str.split, PRICES.splitlines())):
        if any(_fits(each, name, response) for each in line[:-5]):
            return list(map(float, line[-5:]))
    return None


def _fits(rule: str, name: str, response: Response) -> bool:
    """Whether a model's rule is for this response."""
    of, is_dated, until = rule.partition("<")
    of, is_long, above = of.partition(">")
    return (
        fnmatchcase(name, of)
        and (not is_dated or response.day < date.fromisoformat(until))
        and (not is_long or response.prompt > int(above))
    )
