"""What a fit leaves: attributes after each epoch, curves, and how these are saved."""

import numpy as np

from sklearn_snn._model.parameters import WEIGHTS, copied, part

# What learns, as the attributes of an estimator.
PARAMETERS = "coefs_", "intercepts_", "recurrent_coefs_", "neuron_constants_"
# What is kept of each epoch.
CURVES = "loss_curve_", "train_scores_", "grad_norm_curve_", "firing_rate_curve_"
# Of a stream, which has no end, of the last so many calls.
MAX_CALLS = 1000
# Curves whose elements are arrays: saved as one array each, not as thousands.
_CURVES_OF_ARRAYS = "grad_norm_curve_", "firing_rate_curve_"


def results(trainer, epoch, n_iter, curves):
    """Return the attributes of an estimator whose fit ends with this epoch.

    Parameters
    ----------
    trainer : Trainer
    epoch : Epoch
        Its last one.
    n_iter : int
        How many epochs there were in this call.
    curves : dict
        The curves until then, of which more than `CURVES` may be given.

    Returns
    -------
    fitted : dict
        The parameters are copies, and so are the lists.
    """
    rates = np.array([rates.mean() for rates in epoch.firing_rates])
    news = epoch.loss, epoch.score, epoch.grad_norms, rates
    curves = {
        name: [*curves[name], new] for name, new in zip(CURVES, news, strict=True)
    }
    return curves | {
        **parameters_of(trainer.params),
        "n_iter_": n_iter,
        "t_": trainer.n_seen,
        "_n_epochs_": trainer.n_epochs,
        "loss_": epoch.loss,
        "best_loss_": min(curves["loss_curve_"]),
        "firing_rates_": rates,
        "learning_rate_": epoch.learning_rate,
        "validation_scores_": None,
        "best_validation_score_": None,
    }


def parameters_of(params):
    """Return copies of parameters as the attributes of an estimator."""
    params = copied(params)
    constants = [{k: a for k, a in p.items() if k not in WEIGHTS} for p in params]
    return {
        "coefs_": part(params, "coef"),
        "intercepts_": part(params, "intercept"),
        "recurrent_coefs_": part(params, "recurrent"),
        "neuron_constants_": constants,
    }


def ends_of_curves(attributes):
    """Return the last elements of each curve, to which those of a call are added."""
    return {name: attributes[name][1 - MAX_CALLS :] for name in CURVES}


def packed(state):
    """Return a state whose curves of arrays are single arrays.

    Parameters
    ----------
    state : dict

    Returns
    -------
    state : dict
        A copy.
    """
    curves = {k: np.array(state[k]) for k in _CURVES_OF_ARRAYS if k in state}
    return state | curves


def unpacked(state):
    """Return a state as it was before it was `packed`; lists may stay lists."""
    packed_ones = [k for k in _CURVES_OF_ARRAYS if isinstance(state.get(k), np.ndarray)]
    return state | {name: list(state[name]) for name in packed_ones}
