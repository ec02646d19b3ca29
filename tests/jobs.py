"""How a test extracts: with all files in a folder of its own."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from clogs.extract import ExtractJob
from clogs.runs.records import new_run


def job_in(folder: Path, **options: Any) -> ExtractJob:  # noqa: ANN401  # settings of all types
    settings: dict[str, Any] = {
        "run": new_run(),
        "raw_dir": folder / "raw",
        "dead_letter_dir": folder / "dead_letters",
        "state_dir": folder / "state",
        "exclude": (),
        "batch_size": 100,
        "watermark_field": "ingestedAt",
        "lookback": timedelta(minutes=15),
        "retry_delays": (),
        "max_rejected": 0.01,
    }
    return ExtractJob(**settings | options)
