"""What the steps of a stream go through before the network gets them: transformers."""

from copy import deepcopy

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_snn._encoders.checks import check_parameters


class Stages:
    """Fitted transformers, of which each knows what came before the steps it is fed.

    A transformer that can go on from step to step has the method ``_go_on(x, state)``.
    It takes steps, an array of shape (n_streams, n_steps, n_channels), and what it
    returned with those before, None at first; and returns what becomes of these steps
    as part of the whole recording, and the next state. States are never changed, so
    that steps count wholly or not at all.

    Parameters
    ----------
    transformers : Pipeline, transformer, or list of transformers
        Copied, so that what becomes of them later does not show.

    Raises
    ------
    TypeError
        If one of them cannot go from step to step.
    NotFittedError
        If one of them is not fitted.
    InvalidParameterError
        If a parameter of one was set to what is not accepted.
    """

    def __init__(self, transformers):
        self._all = [deepcopy(transformer) for transformer in _flat(transformers)]
        for transformer in self._all:
            if not hasattr(transformer, "_go_on"):
                raise TypeError(
                    f"{type(transformer).__name__} does not go from step to step: "
                    "ChannelTransformer, DelayLine and DeltaSpikeEncoder do. What it "
                    "makes of steps can be fed to a stream without it."
                )
            check_is_fitted(transformer)
            check_parameters(transformer)  # which are in force at once

    def __len__(self):
        return len(self._all)

    @property
    def n_features_in_(self):
        """The number of channels that the first of them takes."""
        return self._all[0].n_features_in_

    @property
    def feature_names_in_(self):
        """Their names; there is no such attribute where it knows none."""
        return self._all[0].feature_names_in_

    def resting(self):
        """Return the states before the first step.

        Returns
        -------
        states : list of None
        """
        return [None] * len(self._all)

    def go_on(self, x, states):
        """Transform steps.

        Parameters
        ----------
        x : ndarray of shape (n_streams, n_steps, n_channels)
        states : list
            After the steps before.

        Returns
        -------
        x : ndarray of shape (n_streams, n_steps, n_channels_new)
        states : list
            After these steps.

        Raises
        ------
        ValueError
            As the transformers do.
        """
        after = []
        for transformer, state in zip(self._all, states, strict=True):
            x, state = transformer._go_on(x, state)
            after.append(state)
        return x, after


def _flat(transformers):
    """Return the transformers of a pipeline, or of pipelines in it, one by one."""
    if isinstance(transformers, Pipeline):
        transformers = [step for _, step in transformers.steps]
    if not isinstance(transformers, list | tuple):
        transformers = [transformers]
    flat = []
    for item in transformers:
        if isinstance(item, Pipeline):
            flat += _flat(item)
        elif item is not None and item != "passthrough":
            flat.append(item)
    return flat
