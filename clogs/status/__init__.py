"""How things stand: the source, the watermark, the landing, the dead letters and the warehouse."""

from clogs.status.look import bytes_on_disk, landing, status
from clogs.status.model import (
    DeadLetterStatus,
    ExtractionStatus,
    LandingStatus,
    Load,
    SourceStatus,
    Status,
    WarehouseStatus,
)

__all__ = [
    "DeadLetterStatus",
    "ExtractionStatus",
    "LandingStatus",
    "Load",
    "SourceStatus",
    "Status",
    "WarehouseStatus",
    "bytes_on_disk",
    "landing",
    "status",
]
