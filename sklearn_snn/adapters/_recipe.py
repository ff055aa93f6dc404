"""The pipeline for time series that adapters fit where they are given no estimator."""

import math

from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn._channels import ChannelTransformer
from sklearn_snn._classifier import SpikingClassifier
from sklearn_snn._encoders import DelayLine
from sklearn_snn.neurons import AdLIF

# A longer delay line shows all that a shorter one does; more channels cost more time.
_MAX_CHANNELS = 64


def recipe(network, n_steps, n_delays):
    """Return a new pipeline for series.

    Time constants follow the length of the series: those of the membranes lie between
    1 % and 5 % of it, those of the adaptation between 10 % and 50 %, and neither falls
    below what a few steps take.

    Parameters
    ----------
    network : class
        SpikingClassifier or SpikingRegressor, which the pipeline ends with. What a
        regressor reads, and its unit, are its own defaults.
    n_steps : int
        Length of the longest series.
    n_delays : int
        Length of the delay line; 1 is none.

    Returns
    -------
    pipeline : Pipeline
    """
    params = {
        "neuron": AdLIF(
            alpha=_leaks(max(4, 0.01 * n_steps), max(8, 0.05 * n_steps)),
            rho=_leaks(max(20, 0.1 * n_steps), max(40, 0.5 * n_steps)),
            b=(0.0, 0.5),
        ),
        "learn_neuron": True,
        "beta": 10.0,
        "learning_rate_init": 0.005,
        "batch_size": 32,
        "dropout": 0.3,
        "max_iter": 100,
        "n_iter_no_change": math.inf,
    }
    if issubclass(network, SpikingClassifier):
        params |= {"readout": "soft_count", "logit_scale": 20 / n_steps}
    return make_pipeline(
        ChannelTransformer(StandardScaler()),
        DelayLine(n_delays),
        network((256,), **params),
    )


def default_n_delays(n_steps, n_channels):
    """Return the length of the delay line that "auto" stands for."""
    return max(1, min(n_steps, _MAX_CHANNELS // n_channels))


def _leaks(first, last):
    """Return the leaks of two time constants, in steps."""
    return math.exp(-1 / first), math.exp(-1 / last)
