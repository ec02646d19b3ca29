"""MongoDB → Parquet: read from the watermark on, flatten, land, and only then move the watermark."""

from clogs.extract.range import ExtractJob
from clogs.extract.replay import replay_documents
from clogs.extract.stage import ExtractResult, extract

__all__ = ["ExtractJob", "ExtractResult", "extract", "replay_documents"]
