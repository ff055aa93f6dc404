"""Fine-tuning: training on, with the numbers that the integers stand for.

At each mini-batch the numbers of the network are rounded to the grid of its integers.
Loss and gradients are those of the rounded network; the steps are taken by the numbers
before rounding, as if this had the derivative 1 (the straight-through estimator:
Bengio, Leonard & Courville, "Estimating or propagating gradients through stochastic
neurons for conditional computation", 2013; Courbariaux, Bengio & David, "BinaryConnect:
training deep neural networks with binary weights during propagations", NeurIPS 2015).
"""

from sklearn_snn._model.build import initial_constants
from sklearn_snn._model.parameters import copied_side_by_side
from sklearn_snn._training.data import check_data
from sklearn_snn._training.fitting import n_units
from sklearn_snn._training.plan import training_plan
from sklearn_snn._training.samples import weigh
from sklearn_snn._training.trainer import Trainer


class _StraightThrough(Trainer):
    """Trains the numbers that are rounded, by the gradients of what they round to.

    Parameters
    ----------
    rounded : callable
        Makes of parameters those of the rounded network.
    *args, **kwargs : tuple, dict
        As of `Trainer`.
    """

    def __init__(self, rounded, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._rounded = rounded

    def _params_at_work(self):
        return self._rounded(self.params)


def fine_tuned(estimator, data, rounded, levels, epochs, learning_rate_init):
    """Return the parameters of a fitted network that was trained on, not yet rounded.

    Parameters
    ----------
    estimator : fitted estimator
        Is not changed. What it says of training counts, but for callbacks, ends and the
        learning rate, which falls to 0 as half a cosine.
    data : tuple of X, y and sample_weight, as its `fit` takes them
    rounded : callable
        Makes of parameters those of the rounded network.
    levels : InputLevels
    epochs : int
    learning_rate_init : float

    Returns
    -------
    params : list of dicts of ndarrays
    """
    params, constants = estimator._params(), estimator._constants_
    data = check_data(estimator, *data, constants, reset=False)

    def known(y, weights):
        estimator._known_target(y, weights, True)
        return estimator._fitted_target()  # of integers, whose unit stays

    target = data.target(known)
    dtype = estimator.coefs_[0].dtype
    samples = data.samples(target)._replace(X=levels.values(data.X, dtype))
    samples, _ = weigh(samples, params.get("class_weight"), target)
    engine = estimator._engine(samples.X)
    if engine.bptt_steps is not None:
        samples = samples.without_copies()
    ours = {"learning_rate_init": learning_rate_init, "learning_rate": "cosine"}
    # A bias that follows small changes of the weights leaves those on the grid behind.
    ours["centering"] = False
    # A few epochs at a small rate: "auto" is for a network that learns from scratch.
    if params.get("dropout") == "auto":
        ours["dropout"] = 0.0
    trainer = _StraightThrough(
        rounded,
        engine,
        copied_side_by_side(estimator._learned_params()),
        samples,
        target,
        training_plan(params | ours, samples, is_stream=False),
        estimator._seed_,
        estimator._initial_scales_.tolist(),
        estimator._recurrent_scales_.tolist(),
        initial_constants(constants, n_units(estimator)),
        n_epochs=estimator._n_epochs_,
        n_seen=estimator.t_,
    )
    for epoch in range(epochs):
        trainer.epoch(epoch, epochs)
        trainer.check_parameters()
    return trainer.params
