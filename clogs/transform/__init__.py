"""``raw.conversations`` → bronze, silver and gold: SQLMesh in process, the one home of sqlmesh.

``stage`` is what the pipeline calls, and ``results`` what it gets back · ``selection`` reads ``--models`` ·
``context`` opens SQLMesh and ``engine`` has it build · ``compile`` makes plain SQL of its models, which
``compiled`` keeps for later runs · ``follow`` brings these up to date, for SQLMesh (``by_change``) and
without it: it reads the ``logs`` of what changed, has ``restrict`` narrow a SELECT to that, ``replace``
write the rows that differ and ``audits`` check them · ``publish`` makes all readable under any file name ·
``portable`` has the models for Spark, in whose words ``spark`` puts them, and ``patterns`` their regular
expressions; ``translation`` makes them.
"""

from clogs.transform.config import TransformConfig
from clogs.transform.results import ModelRun, PlanResult, TransformResult
from clogs.transform.selection import select_models
from clogs.transform.stage import lineage, plan, transform, translate

__all__ = [
    "ModelRun",
    "PlanResult",
    "TransformConfig",
    "TransformResult",
    "lineage",
    "plan",
    "select_models",
    "transform",
    "translate",
]
