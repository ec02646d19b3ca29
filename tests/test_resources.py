"""What ships with clogs is found."""

from __future__ import annotations

import pytest

from clogs.resources import bundled


@pytest.mark.parametrize("name", ["clogs.toml", "transforms"])
def test_what_ships_with_clogs_is_found(name: str) -> None:
    assert bundled(name).exists()
