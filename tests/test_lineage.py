"""What the models are, as SQLMesh reads them."""

from pathlib import Path

import pytest
from empty import config_in, empty_warehouse

from clogs.errors import ModelsError
from clogs.schema import Model
from clogs.transform import lineage

BROKEN = "MODEL (name mine.broken, kind FULL); SELEC nothing FRM nowhere"
MINE = "MODEL (name mine.busiest, kind FULL); SELECT tool FROM gold.tools"
STEP = "MODEL (name bronze.step, kind EMBEDDED); SELECT type FROM raw.conversations"
OURS = """
MODEL (name gold.tools, kind FULL, grain (tool, day), description 'One row per tool.');
SELECT type AS tool, date AS day FROM raw.conversations SEMI JOIN bronze.step USING (type)
"""


@pytest.fixture(autouse=True)
def file(tmp_path: Path) -> None:
    empty_warehouse(tmp_path)


@pytest.mark.parametrize(("extra", "names"), [(MINE, ["mine.busiest"]), (BROKEN, [])])
def test_lineage_holds_ours_and_extra_models_that_can_be_read(
    tmp_path: Path, extra: str, names: list[str]
) -> None:
    ours, mine = models_in(tmp_path / "ours", STEP, OURS), models_in(tmp_path / "mine", extra)
    found = {each.name: each for each in lineage(config_in(tmp_path, models_dir=ours, extra_models=mine))}
    assert list(found) == ["bronze.step", "gold.tools", *names]
    assert found["gold.tools"] == Model(
        name="gold.tools",
        description="One row per tool.",
        key=("tool", "day"),
        parents=("bronze.step", "raw.conversations"),
        is_table=True,
    )
    assert not found["bronze.step"].is_table


def test_a_mistake_in_ours_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelsError):
        lineage(config_in(tmp_path, models_dir=models_in(tmp_path / "ours", BROKEN)))


def models_in(folder: Path, *texts: str) -> Path:
    """A folder of models."""
    (folder / "models").mkdir(parents=True)
    for number, model in enumerate(texts):
        (folder / "models" / f"{number}.sql").write_text(model)
    return folder
