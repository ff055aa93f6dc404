"""A training does not end where what an earlier epoch had learned is lost again."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklearn_snn import SpikingClassifier
from sklearn_snn._training.trainer import Trainer

LOST, LOST_AND_FOUND = [0.5, 1.0, 1.0, 0.9, 0.3], [0.5, 1.0, 0.3, *[1.0] * 12]


def fit_with(scores, data, monkeypatch, final=0.3, **params):
    """Fit, and say that epochs had these scores, and what was learned in the end has.

    Returns
    -------
    model : SpikingClassifier
    told : list of warnings that something is lost
    """
    scores, train = iter(scores), Trainer.epoch

    def epoch(self, *args):
        return train(self, *args)._replace(score=next(scores))

    model = SpikingClassifier((9,), random_state=0, **params)
    with (
        warnings.catch_warnings(record=True) as caught,
        monkeypatch.context() as patch,
    ):
        warnings.simplefilter("always")
        patch.setattr(Trainer, "epoch", epoch)
        patch.setattr(Trainer, "score", lambda self, samples: final)
        model.fit(*data)
    assert {w.filename for w in caught} <= {__file__}
    return model, [w for w in caught if "lost again" in str(w.message)]


@pytest.mark.parametrize("patience", [np.inf, 10, 3])
def test_it_is_told_if_the_last_epochs_lost_what_was_learned(
    patience, blobs, monkeypatch
):
    """Whether there was progress or not."""
    params = {"n_iter_no_change": patience, "tol": 100.0, "max_iter": 5}
    model, (told,) = fit_with(LOST, blobs, monkeypatch, **params)
    assert model.n_iter_ == 5
    assert told.category is ConvergenceWarning
    text = "accuracy on what was learned from is 0.3000 in the end, and was 1.0000 in"
    assert text in str(told.message)
    _, told = fit_with(LOST, blobs, monkeypatch, final=0.95, **params)
    assert not told  # the last step found it again


def test_what_keeps_the_best_epoch_has_lost_nothing(blobs, monkeypatch):
    params = {"early_stopping": True, "n_iter_no_change": 10, "max_iter": 5}
    _, told = fit_with(LOST, blobs, monkeypatch, **params)
    assert not told


def test_a_stall_ends_no_training_that_lost_what_it_learned(blobs, monkeypatch):
    """But as soon as it has been as good as before for a few epochs."""
    params = {"n_iter_no_change": 1, "tol": 100.0, "max_iter": 15}
    model, told = fit_with(LOST_AND_FOUND, blobs, monkeypatch, **params)
    assert model.n_iter_ == 13
    assert not told
    steady, _ = fit_with([1.0] * 15, blobs, monkeypatch, **params)
    assert steady.n_iter_ == 3
