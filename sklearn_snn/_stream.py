"""Streams: answers step by step, and learning part by part."""

from numbers import Integral

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_snn._inputs.frames import array_of, refuse_other_names
from sklearn_snn._inputs.validation import check_shapes
from sklearn_snn._model.network import answers, forward, prepared, resting
from sklearn_snn._model.parameters import copied
from sklearn_snn._model.readouts import Reading
from sklearn_snn._stages import Stages
from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn._utils.workspace import Workspace


class StreamMixin:
    """What estimators do with recordings that are still going on."""

    @with_own_errstate
    def stream(self, n_streams=None, *, transformers=None):
        """Return a `Stream`, which answers to recordings step by step.

        Parameters
        ----------
        n_streams : int, default=None
            Number of recordings side by side; None is one, without an axis of its own.
        transformers : Pipeline, transformer, or list of transformers, default=None
            Fitted transformers through which steps go before: of a pipeline ``model``
            that ends with this network, ``model[:-1]``. ChannelTransformer, whose inner
            transformer must look at each step by itself, DelayLine and
            DeltaSpikeEncoder, which remember what they need of the steps before.

        Returns
        -------
        stream : Stream
            At rest. It answers with the network, and the transformers, as they are now.

        Raises
        ------
        ValueError
            If the network learned from constant currents, which have no steps, or
            `n_streams` is no number of them.
        TypeError
            If a transformer does not go from step to step.
        """
        check_is_fitted(self)
        if not self._is_sequential_:
            raise ValueError(
                "A stream is of steps, but the network learned from a 2-D X, of which "
                "each row is injected at all steps."
            )
        if n_streams is not None and not (
            isinstance(n_streams, Integral)
            and not isinstance(n_streams, bool)
            and n_streams >= 1
        ):
            raise ValueError(f"n_streams must be at least 1, got {n_streams!r}.")
        check_shapes(
            self.coefs_, self.intercepts_, self.n_features_in_, self.n_outputs_
        )
        params, answers = copied(self._learned_params()), self._answer_functions()
        stages = Stages([] if transformers is None else transformers)
        first = stages if len(stages) else self
        names = getattr(first, "feature_names_in_", None)
        return Stream(self.network_, params, answers, n_streams, stages, names)

    def reset_states(self):
        """Let the next `partial_fit` begin at rest, not where the last one ended.

        It matters with `stateful`: before other recordings, or another number of them.

        Returns
        -------
        self : estimator
            The same, with the weights that it has.
        """
        self._states_ = None
        return self


def _has(name):
    """Return a check whether the estimator answers so."""

    def check(stream):
        if name in stream._answers:
            return True
        raise AttributeError(f"There is no {name} of a regressor.")

    return check


class Stream:
    """Answers to recordings that are still going on, step by step.

    Made by the method ``stream`` of `SpikingClassifier` and `SpikingRegressor`. Steps
    are fed as they come, and at any time the answers are those to the recording so far:
    what the estimator answers to the same steps as a whole. A step costs one or two
    tenths of a millisecond with 100 neurons, and one more for each transformer, however
    many there were before, of which only a delay line keeps some. But for networks with
    `per_step`, answers are of all steps since the beginning: `reset` begins anew.
    Pickled, a stream goes on where it was.

    Parameters
    ----------
    network : tuple
        What the network consists of, as ``network_`` of the estimator.
    params : list of dicts of ndarrays
        Its weights and constants, not copied.
    answers : dict of callables
        Makes answers of outputs, by name.
    n_streams : int or None
        Number of recordings side by side; None for one without an axis of its own.
    stages : Stages
        The transformers through which steps go before.
    names : ndarray of str, or None
        Those of the channels, which data frames must have.

    Attributes
    ----------
    n_steps : int
        Number of steps so far.

    See Also
    --------
    SpikingClassifier.staged_predict : Answers after each step of whole recordings.

    Notes
    -----
    A step without a value in any channel is a gap, which an imputer fills; at the end
    of a whole recording it says that this is over.

    Spikes as input make the same answers as the whole, to the bit. Graded values do so
    up to the rounding of their products with the weights, which depends on how many
    steps are multiplied at a time.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_snn import SpikingClassifier
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(60) % 2
    >>> X = (rng.random((60, 30, 4)) < 0.1 + 0.3 * y[:, None, None]).astype(np.uint8)
    >>> model = SpikingClassifier((10,), max_iter=30, random_state=0).fit(X, y)
    >>> stream = model.stream()
    >>> for step in X[1]:
    ...     label = stream.feed(step).predict()
    >>> int(label), stream.n_steps
    (1, 30)
    >>> bool(np.array_equal(stream.predict_proba(), model.predict_proba(X[1:2])[0]))
    True
    """

    def __init__(self, network, params, answers, n_streams, stages, names):
        self._network, self._params = network, prepared(params)
        self._names = names
        self._answers, self._n_streams, self._stages = answers, n_streams, stages
        self._workspace, self._dtype = Workspace(), params[0]["coef"].dtype
        self.reset()

    def __repr__(self):
        return f"Stream(n_streams={self._n_streams}, n_steps={self.n_steps})"

    def reset(self):
        """Begin anew: nothing was fed, and all neurons are at rest.

        Returns
        -------
        self : Stream
            The same, of no steps.
        """
        n, layers, dtype = self._n_streams or 1, self._network.layers, self._dtype
        self._states = [resting(layer, n, dtype) for layer in layers]
        self._before = self._stages.resting()
        self._reading = self._network.readout.begin((n, layers[-1].n_units), dtype)
        self.n_steps = 0
        return self

    @with_own_errstate
    def feed(self, X):
        """Feed one step, or several.

        Parameters
        ----------
        X : array-like of shape (n_features,) or (n_steps, n_features)
            With `n_streams`, of shape (n_streams, n_features) or (n_streams, n_steps,
            n_features). With `transformers` as the first of them takes it. Data frames,
            and rows of these, need the names that were learned from.

        Returns
        -------
        self : Stream
            The same, some steps on.

        Raises
        ------
        ValueError
            If `X` is of another shape or names, or holds anything but finite real
            numbers; no step of it counts then. As the transformers do.
        """
        x, before = self._stages.go_on(self._steps(X), self._before)
        X, reading = self._as_input(x), None
        if not self._network.readout.per_step:
            # A copy, so that steps count wholly or not at all.
            counts, membranes, n_read = self._reading
            reading = Reading(counts.copy(), membranes.copy(), n_read)
        readout = self._network.readout.from_step(self.n_steps, self._n_in_all)
        tape = forward(
            self._network._replace(readout=readout),
            self._params,
            X,
            X.shape[1],
            len(X),
            self._workspace,
            before=self._states,
            reading=reading,
        )
        n_steps = self.n_steps + len(X)
        self._states, self._reading, self.n_steps = tape.after, tape.reading, n_steps
        self._before = before
        return self

    def predict(self):
        """Return the answer of the estimator's ``predict`` to the steps so far.

        Returns
        -------
        y : scalar or ndarray of shape (n_outputs,)
            With `n_streams`, an axis of these comes first. Of a network with
            `per_step`, the answer at the last step.

        Raises
        ------
        ValueError
            As in the other methods, if no step was fed yet.
        """
        return self._answer("predict")

    @available_if(_has("predict_proba"))
    def predict_proba(self):
        """Return the answer of ``predict_proba``, of shape (n_classes,); see `predict`.

        Returns
        -------
        p : ndarray
            Probabilities of the classes, in the order of ``classes_``.
        """
        return self._answer("predict_proba")

    @available_if(_has("decision_function"))
    def decision_function(self):
        """Return the answer of ``decision_function``; see `predict`.

        Returns
        -------
        logits : ndarray or scalar
            For two classes a number, as there.
        """
        return self._answer("decision_function")

    def _steps(self, X):
        """Return steps as an array of shape (n_streams, n_steps, n_channels)."""
        n_features = len(self._params[0]["coef"])
        n_features = self._stages.n_features_in_ if len(self._stages) else n_features
        array = np.asarray(self._plain(X))
        n_axes = 1 + (self._n_streams is not None)
        is_right = array.dtype.kind in "biuf" and array.ndim in (n_axes, n_axes + 1)
        if is_right:
            steps = array if array.ndim > n_axes else array[..., np.newaxis, :]
            steps = steps if n_axes == 2 else steps[np.newaxis]
            expected = self._n_streams or 1, n_features
            is_right = (len(steps), steps.shape[2]) == expected and steps.shape[1] > 0
        if not is_right:
            first = "" if n_axes == 1 else f"{self._n_streams}, "
            raise ValueError(
                f"X must be numbers of shape ({first}{n_features}), a step, or "
                f"({first}n_steps, {n_features}); got {array.dtype} of shape "
                f"{array.shape}."
            )
        return steps

    def _plain(self, X):
        """Return steps that are data frames, or rows of these, as arrays."""
        if isinstance(X, list | tuple):
            return [self._plain(x) for x in X]
        refuse_other_names(X, self._names)
        return array_of(X)

    def _as_input(self, steps):
        """Return steps as the network takes them: (n_steps, n_streams, n_features)."""
        n_features = len(self._params[0]["coef"])
        if steps.shape[2] != n_features:
            raise ValueError(
                f"The transformers make {steps.shape[2]} channels of a step, and the "
                f"network takes {n_features}: they are not those that it learned with."
            )
        with np.errstate(over="ignore"):
            steps = np.ascontiguousarray(steps.transpose(1, 0, 2), self._dtype)
        if not np.isfinite(steps).all():
            raise ValueError(
                f"X contains NaN or infinity, or what {self._dtype} cannot hold. "
                "ChannelTransformer(SimpleImputer()) among the transformers fills gaps."
            )
        return steps

    @property
    def _n_in_all(self):
        """The number of steps that answers are of: those so far, if any is read."""
        return max(self.n_steps, self._network.readout.start + 1)

    @with_own_errstate
    def _answer(self, name):
        if not self.n_steps:
            raise ValueError("There is no answer yet: feed() a step first.")
        outputs = answers(self._network, self._params, self._reading, self._n_in_all)
        if self._network.readout.per_step:
            outputs = outputs[:, -1]
        answer = self._answers[name](outputs)
        return answer[0] if self._n_streams is None else answer
