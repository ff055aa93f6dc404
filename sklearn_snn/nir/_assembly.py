"""A fitted estimator from parameters that were not learned here."""

import numpy as np

from sklearn_snn._model.first_guess import unit_like
from sklearn_snn._training.results import CURVES, parameters_of


def assemble(
    estimator,
    constants,
    params,
    target,
    *,
    is_sequential,
    seed=0,
    scales=None,
    recurrent_scales=None,
    feature_names=None,
    is_from_graph=False,
):
    """Give an estimator all that it has after a fit, but for what is told of that.

    Parameters
    ----------
    estimator : SpikingClassifier or SpikingRegressor
        Is changed.
    constants : dict
        See `_model.build`.
    params : list of dicts of ndarrays
        See `_model.parameters`; they are copied.
    target : target
        What the outputs stand for.
    is_sequential : bool
        Whether the input has steps.
    seed : int, default=0
        What `random_state` led to.
    scales, recurrent_scales : lists of float, default=None
        The units that weights learn in; None is those in which they are about as large
        as the ones that a fit begins with.
    feature_names : list of str, default=None
    is_from_graph : bool, default=False
        Whether the weights that a fit began with are not known.

    Returns
    -------
    estimator : SpikingClassifier or SpikingRegressor
    """
    arrays = parameters_of(params)
    coefs, recurrent = arrays["coefs_"], arrays["recurrent_coefs_"]
    scales = [unit_like(w) for w in coefs] if scales is None else scales
    if recurrent_scales is None:
        recurrent_scales = [unit_like(w, 1) for w in recurrent]
    fitted = arrays | target.attributes() | {name: [] for name in CURVES}
    fitted |= {
        "n_features_in_": len(coefs[0]),
        "n_layers_": len(coefs) + 1,
        "n_outputs_": target.n_outputs,
        "n_iter_": 0,
        "out_activation_": target.activation,
        "t_": 0,
        "validation_scores_": None,
        "best_validation_score_": None,
        "_constants_": constants,
        "_initial_scales_": np.array(scales),
        "_is_sequential_": is_sequential,
        "_n_epochs_": 0,
        "_optimizer_state_": None,
        "_recurrent_scales_": np.array(recurrent_scales),
        "_seed_": seed,
    }
    if is_from_graph:
        fitted["_is_from_graph_"] = True
    if feature_names is not None:
        fitted["feature_names_in_"] = np.array(feature_names, dtype=object)
    vars(estimator).update(fitted)
    return estimator
