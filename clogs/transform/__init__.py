"""``raw.conversations`` → bronze, silver and gold: SQLMesh in process, the one home of sqlmesh.

``stage`` is what the pipeline calls · ``selection`` reads ``--models`` · ``context`` opens SQLMesh and
``engine`` has it build · ``publish`` makes the result readable under any file name · ``by_change`` builds our
tables: it follows the ``logs`` of what changed, has ``restrict`` narrow a SELECT to that, ``replace`` write
the rows that differ and ``audits`` check them · ``stretches`` reads some rows of a large table.
"""

from clogs.transform.config import TransformConfig
from clogs.transform.stage import ModelRun, PlanResult, TransformResult, lineage, plan, transform

__all__ = [
    "ModelRun",
    "PlanResult",
    "TransformConfig",
    "TransformResult",
    "lineage",
    "plan",
    "transform",
]
