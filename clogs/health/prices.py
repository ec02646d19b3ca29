"""Whether costs can be trusted: how old the prices are, and which models have none."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from clogs import warehouse
from clogs.errors import ClogsError
from clogs.health.findings import Finding
from clogs.landing.views import connect
from clogs.terminal.text import count, join_limited

STALE_AFTER = timedelta(days=180)
"""Prices are looked up again by then: new models come and old ones are repriced twice a year or so."""

_UNPRICED = """
    SELECT priced_model FROM silver.int_api_calls
    WHERE cost_usd IS NULL AND priced_model IS NOT NULL
    GROUP BY 1
    ORDER BY sum(input_tokens + output_tokens + cache_creation_tokens + cache_read_tokens) DESC, 1
"""
_OWN_LIST = "set transform.prices (TRANSFORM_PRICES) to a list of your own."


def check_prices(newest: date | None, unpriced: list[str], *, today: date) -> Finding:
    """Judge the price list by the day of its newest price, and by the models that it leaves out."""
    age = today - newest if newest else None
    if age is None:
        dated = "No price of the list says when it was looked up."
    else:
        dated = f"The newest price was looked up on {newest}, {count(max(age.days, 0), 'day')} ago."
    missing = f" No price, so no cost: {join_limited(unpriced)}." if unpriced else ""
    if unpriced:
        remedy = f"Add the price: {_OWN_LIST}"
    elif age is None or age > STALE_AFTER:
        remedy = f"Install a newer clogs, or {_OWN_LIST}"
    else:
        return Finding("prices", "ok", dated)
    return Finding("prices", "warning", f"{dated}{missing}", remedy)


def unpriced_models(path: Path) -> list[str]:
    """Read which models have no price, most tokens first, as a list would name them.

    There are none where the models were not built, or the warehouse cannot be read: that is another finding.
    """
    try:
        if not path.exists():
            return []
        with connect(path, read_only=True) as connection:
            if not warehouse.has_views(connection, "silver"):
                return []
            _, rows = warehouse.query(connection, _UNPRICED)
            return [name for (name,) in rows]
    except (ClogsError, OSError):
        return []
