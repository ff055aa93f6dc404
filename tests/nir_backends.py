"""The simulators that read graphs of NIR, as `benchmarks/nir_readers.py` runs them."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

# A test that imports this module is skipped without these; what needs none still runs.
for _name in ("torch", "nirtorch", "snntorch", "spikingjelly"):
    pytest.importorskip(_name)

_PATH = Path(__file__).parents[1] / "benchmarks" / "nir_readers.py"
_spec = spec_from_file_location("nir_readers", _PATH)
readers = module_from_spec(_spec)
_spec.loader.exec_module(readers)

# What norse and nirtorch say of themselves.
quiet = [
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is dep:FutureWarning"),
    pytest.mark.filterwarnings("ignore:nirtorch:DeprecationWarning"),
]
