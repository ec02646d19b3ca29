"""``raw.conversations`` → bronze, silver and gold: SQLMesh in process, the one home of sqlmesh.

``stage`` is what the pipeline calls · ``selection`` reads ``--models`` · ``context`` opens SQLMesh and
``engine`` has it build · ``by_change`` is how our tables are built: it follows the ``logs`` of what changed,
lets ``replace`` write what came out otherwise and ``audits`` look at that · ``console`` records progress ·
``failures`` explains what went wrong · ``publish`` makes gold readable under any file name · ``lineage``
tells what is built from what.
"""

from clogs.transform.lineage import lineage
from clogs.transform.settings import TransformSettings, digest_of
from clogs.transform.stage import ModelRun, PlanResult, TransformResult, plan, transform

__all__ = [
    "ModelRun",
    "PlanResult",
    "TransformResult",
    "TransformSettings",
    "digest_of",
    "lineage",
    "plan",
    "transform",
]
