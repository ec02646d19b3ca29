"""Documents as odd as JSON lets them be, made at random."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rows import screened

DEEP = json.loads('{"in":[' * 90 + "]}" * 90)
TEXTS = st.text(max_size=20) | st.sampled_from(
    [
        "",
        "\0",
        '"',
        "\n",
        "\\",
        "👩\u200d🚀",
        "fix the \u017fhell",
        "Why?\n",
        "\u2028add tests",
        '[{"text":"a"}]',
        "<ide_x>y</ide_x>z",
    ]
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
    st.just(DEEP),
    st.lists(TEXTS, max_size=2),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
)


def maybe(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what is usual."""
    return st.integers(0, 9).flatmap(lambda dice: usual if dice else ODD)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """These fields, or all but one."""
    whole = st.fixed_dictionaries(fields)
    return whole | st.tuples(whole, st.sampled_from([*fields])).map(
        lambda both: {name: value for name, value in both[0].items() if name != both[1]}
    )


NAMES = st.sampled_from(["a", "b", "c"])
"""Of few, so that documents meet."""

COUNTS = (
    maybe(st.integers(0, 10**6))
    | maybe(st.integers(0, 10**6))
    | st.sampled_from(["12", 1.5, -1, 2**32, None])
)
COUNTED = {
    "input_tokens": COUNTS,
    "output_tokens": COUNTS,
    "cache_creation_input_tokens": COUNTS,
    "cache_read_input_tokens": COUNTS,
    "cache_creation": maybe(some(ephemeral_5m_input_tokens=COUNTS, ephemeral_1h_input_tokens=COUNTS)),
}
MODELS = maybe(st.sampled_from(["claude-opus-4-1-20250805", "us.anthropic.claude-sonnet-4-5", "<synthetic>"]))
USAGES = some(
    **COUNTED,
    speed=maybe(st.sampled_from(["standard", "fast"])),
    inference_geo=maybe(st.sampled_from(["us", "global"])),
    iterations=maybe(
        st.lists(
            maybe(some(type=st.sampled_from(["advisor_message", "compaction"]), model=MODELS, **COUNTED)),
            max_size=2,
        )
    ),
)
INPUTS = some(
    file_path=maybe(st.sampled_from(["/a/b.py", "C:\\x\\.env"])),
    old_string=TEXTS,
    new_string=TEXTS,
    content=ODD,
)
BLOCKS = some(
    type=maybe(st.sampled_from(["text", "tool_use", "tool_result", "thinking", "server_tool_use"])),
    text=maybe(TEXTS),
    id=maybe(NAMES),
    tool_use_id=maybe(NAMES),
    name=maybe(st.sampled_from(["Edit", "Write", "Bash", "mcp__x__y"])),
    input=maybe(INPUTS),
    content=maybe(TEXTS),
    is_error=maybe(st.booleans()),
)
TIMES = st.datetimes().map(lambda at: f"{at.isoformat()}Z") | st.sampled_from(
    ["2026-03-08T09:59:59.999Z", "2026-11-01T05:30:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"]
)
ENTRIES = some(
    type=maybe(st.sampled_from(["user", "assistant", "assistant", "summary", "queue-operation"])),
    uuid=maybe(st.uuids().map(str)),
    sessionId=maybe(NAMES),
    projectId=maybe(NAMES),
    timestamp=maybe(TIMES),
    requestId=maybe(NAMES),
    cwd=maybe(st.sampled_from(["/home/ann/x", "C:\\Users\\Bo\\y"])),
    isSidechain=maybe(st.booleans()),
    entrypoint=maybe(st.sampled_from(["cli", "sdk-py"])),
    summary=maybe(TEXTS),
    operation=maybe(st.sampled_from(["enqueue", "popAll"])),
    content=maybe(TEXTS),
    toolUseResult=maybe(some(type=maybe(st.just("create")), searchCount=COUNTS)),
    message=maybe(
        some(
            id=maybe(NAMES),
            model=MODELS,
            usage=maybe(USAGES),
            content=maybe(TEXTS | st.lists(maybe(BLOCKS), max_size=4)),
        )
    ),
)


def odd_rows(count: int, path: Path) -> Path:
    """What is landed of some, as a Parquet file; a tenth of the messages have two values for a key."""
    entries: list[dict[str, Any]] = []

    @settings(
        max_examples=count, phases=[Phase.generate], database=None, suppress_health_check=[*HealthCheck]
    )
    @given(ENTRIES)
    def make(entry: dict[str, Any]) -> None:
        entries.append(entry)

    make()
    frame, _ = screened([{**entry, "_id": f"{number:05}"} for number, entry in enumerate(entries)])
    twice = pl.concat_str(pl.lit('{"model":"twice","usage":null,'), pl.col("message_raw").str.slice(1))
    is_object = pl.col("message_raw").str.starts_with('{"') & (pl.col("_id").str.ends_with("7"))
    frame.with_columns(message_raw=pl.when(is_object).then(twice).otherwise("message_raw")).write_parquet(
        path
    )
    return path
