"""MongoDB → Parquet: read from the watermark on, flatten, land, and only then move the watermark."""

from clogs.extract.replay import replay_documents
from clogs.extract.stage import ExtractResult, Scope, Settings, extract

__all__ = ["ExtractResult", "Scope", "Settings", "extract", "replay_documents"]
