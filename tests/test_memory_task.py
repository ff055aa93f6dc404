"""What bridges a pause of 100 to 200 steps: adaptation, recurrence, and no leak."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[1] / "benchmarks" / "memory_task.py"


@pytest.fixture(scope="module")
def memory_task():
    spec = importlib.util.spec_from_file_location(PATH.stem, PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore::UserWarning")  # the first of them does not learn
@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [("lif", 0.35, 0.65), ("adlif", 0.95, 1.0), ("lif, recurrent", 0.95, 1.0)],
)
def test_what_bridges_a_pause(name, lowest, highest, memory_task):
    """Short pauses first are needed by recurrence alone."""
    parameters = memory_task.NETWORKS[name]
    plan = memory_task.PLAN if "recurrent" in parameters else [(100, 200, 20)]
    _, accuracy = memory_task.train(0, plan=plan, **parameters)
    assert lowest <= accuracy <= highest
