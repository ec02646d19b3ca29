"""What ``--models`` selects."""

from __future__ import annotations

import pytest

from clogs.errors import UsageError
from clogs.transform.selection import select_models

PARENTS = {
    "bronze.stg_messages": frozenset[str](),
    "silver.int_api_calls": frozenset({"bronze.stg_messages"}),
    "gold.fct_messages": frozenset({"bronze.stg_messages"}),
    "gold.fct_api_calls": frozenset({"silver.int_api_calls"}),
    "gold.agg_daily": frozenset({"gold.fct_messages", "gold.fct_api_calls"}),
}


@pytest.mark.parametrize(
    ("selections", "expected"),
    [
        ([], {"stg_messages", "int_api_calls", "fct_messages", "fct_api_calls", "agg_daily"}),
        (["fct_messages"], {"fct_messages"}),
        (["GOLD.fct_messages"], {"fct_messages"}),
        (["gold.*"], {"fct_messages", "fct_api_calls", "agg_daily"}),
        (["+fct_api_calls"], {"stg_messages", "int_api_calls", "fct_api_calls"}),
        (["int_api_calls+"], {"int_api_calls", "fct_api_calls", "agg_daily"}),
        (["+fct_messages+"], {"stg_messages", "fct_messages", "agg_daily"}),
        (["fct_messages", "agg_daily"], {"fct_messages", "agg_daily"}),
    ],
)
def test_selections(selections: list[str], expected: set[str]) -> None:
    assert {name.rpartition(".")[2] for name in select_models(selections, PARENTS)} == expected


@pytest.mark.parametrize(
    ("selection", "hint"),
    [
        ("fct_mesages", "Did you mean fct_messages or stg_messages?"),
        ("+zzz", "There are: bronze.stg_messages, "),
    ],
)
def test_a_selection_of_nothing(selection: str, hint: str) -> None:
    with pytest.raises(UsageError, match="No model matches") as caught:
        select_models([selection], PARENTS)
    assert str(caught.value.hint).startswith(hint)
    assert selection in caught.value.message
