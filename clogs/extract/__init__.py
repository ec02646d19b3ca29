"""MongoDB, or transcripts, → Parquet: scan, flatten, screen, land, and only then move the watermark."""

from clogs.extract.range import ExtractJob, SourceMode
from clogs.extract.replay import replay_documents
from clogs.extract.stage import ExtractResult, extract
from clogs.extract.transcripts import extract_transcripts

__all__ = ["ExtractJob", "ExtractResult", "SourceMode", "extract", "extract_transcripts", "replay_documents"]
