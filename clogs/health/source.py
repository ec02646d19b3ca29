"""The collection: whether it can be read, and whether what is new in it can be found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from clogs.errors import ClogsError
from clogs.health.findings import Finding, failed, told
from clogs.mongo import Address, Source, connect
from clogs.terminal.text import count


def source(address: Address, watermark_field: str, lookback: timedelta) -> Iterator[Finding]:
    """Look at the collection; where it cannot be read, that is all there is to tell."""
    with ExitStack() as stack:
        try:
            collection = stack.enter_context(connect(address))
            there = collection.exists()
            documents = collection.estimated_count() if there else 0
        except ClogsError as error:
            yield failed("source", error)
            return
        if not there:
            remedy = "Check mongo.db and mongo.collection (clogs config), or fill it: clogs import ~/.claude"
            message = f"There is no collection {collection.name}."
            yield Finding(check="source", state="error", message=message, remedy=remedy)
            return
        message = f"{collection.name} holds about {count(documents, 'document')}."
        yield Finding(check="source", state="ok", message=message)
        yield told("index", lambda: _index(collection, watermark_field))
        yield told("dates", lambda: _undated(collection, watermark_field))
        yield told("clocks", lambda: _early(collection, watermark_field, lookback))


def _index(collection: Source, watermark_field: str) -> Finding:
    if collection.is_indexed(watermark_field):
        return Finding(check="index", state="ok", message=f"There is one on {watermark_field}.")
    db, name = json.dumps(collection.address.db), json.dumps(collection.address.collection)
    return Finding(
        check="index",
        state="warning",
        message=f"There is none on {watermark_field}: to find what is new, each run looks at every document.",
        remedy=f"In mongosh: db.getSiblingDB({db}).getCollection({name})"
        f".createIndex({{{json.dumps(watermark_field)}: 1}})",
    )


def _undated(collection: Source, watermark_field: str) -> Finding:
    undated = collection.count_undated(watermark_field)
    if not undated:
        message = f"Every document has a Date in {watermark_field}."
        return Finding(check="dates", state="ok", message=message)
    return Finding(
        check="dates",
        state="warning",
        message=f"{count(undated, 'document')} without a Date in {watermark_field}:"
        " only the first run and a full backfill find such.",
        remedy="Read them with: clogs extract --full-backfill, or set pipeline.watermark_field"
        " (PIPELINE_WATERMARK_FIELD) to a better field.",
    )


def _early(collection: Source, watermark_field: str, lookback: timedelta) -> Finding:
    early = collection.count({watermark_field: {"$gt": datetime.now(UTC) + lookback}})
    if not early:
        message = f"No Date in {watermark_field} is ahead of this machine by more than the lookback."
        return Finding(check="clocks", state="ok", message=message)
    return Finding(
        check="clocks",
        state="warning",
        message=f"{count(early, 'document')} with a Date in {watermark_field} that is ahead of this machine"
        " by more than the lookback: each run reads them again until then.",
        remedy="Set the clock of this machine right, or of the one that writes to MongoDB: timedatectl",
    )
