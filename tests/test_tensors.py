"""Tensors as input: what they hold is taken as numpy's arrays of the same are."""

import numpy as np
import pytest
from helpers import fast, make_encoder, regressor

from sklearn_snn.inspection import MembraneDisplay, SpikeRasterDisplay

torch = pytest.importorskip("torch")

TYPES = [torch.float32, torch.float64, torch.uint8, torch.int8, torch.bool, torch.half]


@pytest.mark.parametrize("n_steps", [None, 4])
@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("make", [fast, regressor])
def test_types_are_those_of_arrays(make, kind, n_steps, rng):
    shape = (40, 3) if n_steps is None else (40, n_steps, 3)
    X = torch.from_numpy(2 * rng.random(shape)).to(kind)
    y = np.arange(40) % 2
    ours, theirs = make().fit(X, torch.from_numpy(y)), make().fit(X.numpy(), y)
    assert ours.coefs_[0].dtype == theirs.coefs_[0].dtype
    np.testing.assert_equal(ours.coefs_, theirs.coefs_)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X.numpy()))


@pytest.mark.parametrize("kind", TYPES[:3], ids=str)
def test_what_an_encoder_makes_of_them(kind, rng):
    X = torch.from_numpy(3 * rng.random((40, 3))).to(kind)
    ours = make_encoder().fit_transform(X)
    theirs = make_encoder().fit_transform(X.numpy())
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
    assert ours.rates.dtype == theirs.rates.dtype


def test_memory_is_shared(rng, monkeypatch):
    X = torch.from_numpy(rng.random((40, 4, 3)).astype(np.float32))
    seen = []
    original = type(fast())._engine

    def watched(self, X, *args):
        seen.append(X)
        return original(self, X, *args)

    monkeypatch.setattr(type(fast()), "_engine", watched)
    fast().fit(X, np.arange(40) % 2)
    assert all(np.shares_memory(array, X.numpy()) for array in seen)


def test_labels_in_displays(blobs):
    X, y = blobs
    model = fast().fit(X, y)
    for display in (SpikeRasterDisplay, MembraneDisplay):
        ours = display.from_estimator(model, X, sample=3, y=torch.from_numpy(y))
        theirs = display.from_estimator(model, X, sample=3, y=y)
        assert ours.figure_.get_suptitle() == theirs.figure_.get_suptitle()
