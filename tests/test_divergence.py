"""Training that meets numbers that are not finite: what is left of it."""

import numpy as np
import pytest
from networks import lif, network_of

from sklearn_snn import SpikingClassifier


def test_divergence_keeps_the_last_complete_epoch(blobs, engine, monkeypatch):
    from sklearn_snn._engines import make_engine

    engine_class = type(make_engine("auto", network_of(lif(), [3, 4, 2], 0.4), 25))
    step, n_steps = engine_class.loss_and_gradients, []

    def poisoned(self, *args):
        result = step(self, *args)
        n_steps.append(1)
        if len(n_steps) == 8:  # the second mini-batch of the third epoch
            result.gradients[0]["coef"][0, 0] = np.nan
        return result

    good = SpikingClassifier(
        (6,), max_iter=2, batch_size=20, learning_rate="constant", random_state=0
    ).fit(*blobs)
    monkeypatch.setattr(engine_class, "loss_and_gradients", poisoned)
    bad = SpikingClassifier(
        (6,), max_iter=9, batch_size=20, learning_rate="constant", random_state=0
    )
    with pytest.raises(ValueError, match=r"not finite.*learning_rate_init"):
        bad.fit(*blobs)
    assert bad.n_iter_ == len(bad.loss_curve_) == 2
    for a, b in zip(bad.coefs_, good.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(bad.predict(blobs[0]), good.predict(blobs[0]))


def test_divergence_in_the_first_epoch_leaves_it_unfitted(blobs):
    X, y = blobs
    model = SpikingClassifier((6,), learning_rate_init=1e308, max_grad_norm=None)
    with pytest.raises(ValueError, match="not finite"):
        model.fit(X * 1e10, y)
    assert not [name for name in vars(model) if name.endswith("_")]
