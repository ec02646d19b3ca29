"""``raw.conversations`` → bronze, silver and gold: SQLMesh in process, the one home of sqlmesh.

``stage`` is what the pipeline calls · ``selection`` reads ``--models`` · ``engine`` opens SQLMesh and has it
build · ``console`` records its progress · ``failures`` explains what went wrong · ``publish`` makes gold
readable under any file name.
"""

from clogs.transform.stage import ModelRun, TransformResult, transform

__all__ = ["ModelRun", "TransformResult", "transform"]
