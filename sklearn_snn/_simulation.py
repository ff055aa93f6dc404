"""A record of what happened in a network: every membrane and spike of some samples."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

from sklearn_snn._inputs.lengths import known_lengths
from sklearn_snn._inputs.spike_trains import Events, SpikeTrains
from sklearn_snn._model.losses import LOSSES
from sklearn_snn._model.network import running_answers, within
from sklearn_snn._training.targets import Numbers
from sklearn_snn._utils.errstate import with_own_errstate

_GIB = 2**30


@dataclass(frozen=True, repr=False)
class SimulationRecord:
    """What `simulate` of an estimator recorded.

    The lists have an element per layer, in the order of `coefs_`: the hidden layers and
    last the output layer. It is None for a layer that was not asked for. Beyond the end
    of a sample that is shorter than others there are no spikes, membranes are NaN,
    inputs are 0, and logits stay what they were.

    Parameters
    ----------
    inputs : ndarray, CSR array or None
        What the first layer received: spikes, of uint8 and of shape (n_samples,
        n_steps, n_features); a graded sequence of that shape; or a constant current of
        shape (n_samples, n_features). None if it was not asked for.
    membranes : list of ndarrays of shape (n_samples, n_steps, n_units)
        Membrane ``u_t`` of each neuron before its spike test and reset, so that it is
        above the threshold exactly where the neuron fires.
    spikes : list of ndarrays of uint8 of shape (n_samples, n_steps, n_units)
        1 where the neuron fires. Their sums are unsigned: cast before you subtract.
    logits : ndarray of shape (n_samples, n_steps, n_outputs)
        Outputs of what the output neurons did up to each step; at the last one the
        logits of the prediction. Those of a regressor are in the deviation of y.
    thresholds : list of ndarrays of shape (n_units,)
        Membrane above which each neuron fires, of all layers and of the type of the
        membranes; None for a layer that never does.
    classes : ndarray of shape (n_outputs,)
        What the output neurons stand for: classes, or indices of labels or numbers.
    loss : str, default="cross_entropy"
        What the network was trained on, which makes probabilities of logits.
    y_mean, y_scale : ndarrays of shape (n_outputs,), default=None
        What a logit of 0, and one more, stand for; None for a classifier.
    lengths : ndarray of int of shape (n_samples,), default=None
        Number of steps of each sample; None if all have as many.

    Attributes
    ----------
    threshold : float
        That of the first neuron that has one: of all, unless they learned theirs or
        were given several.
    probabilities, values : ndarrays of the shape of `logits`
        What the logits stand for after each step: probabilities of a classifier, or
        numbers, in the unit of y, of a regressor.

    See Also
    --------
    SpikingClassifier.simulate : Makes a record.
    sklearn_snn.inspection : Pictures of records.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier((20,), n_steps=10, random_state=0).fit(X, y)
    >>> record = model.simulate(X[:5])
    >>> record
    SimulationRecord(n_samples=5, n_steps=10, layers=[0, 1])
    >>> bool(((record.membranes[0] > record.threshold) == record.spikes[0]).all())
    True
    """

    inputs: object
    membranes: list
    spikes: list
    logits: np.ndarray
    thresholds: list
    classes: np.ndarray
    loss: str = "cross_entropy"
    y_mean: np.ndarray | None = None
    y_scale: np.ndarray | None = None
    lengths: np.ndarray | None = None

    @property
    def threshold(self):
        """Threshold of the first neuron that has one."""
        for of_layer in self.thresholds:
            if of_layer is not None:
                # As it was given, where it had to be rounded to float32.
                return float(str(of_layer[0]))
        raise AttributeError("No neuron of this network has a threshold.")

    @property
    @with_own_errstate
    def probabilities(self):
        """Probabilities after each step, of the shape of `logits`."""
        activate = LOSSES[self.loss].activate
        if activate is None:
            raise AttributeError("The outputs of a regressor are no probabilities.")
        return activate(self.logits)

    @property
    @with_own_errstate
    def values(self):
        """Predicted numbers after each step, of the shape of `logits`."""
        if self.y_mean is None:
            raise AttributeError("The outputs of a classifier are no numbers.")
        return Numbers(self.y_mean, self.y_scale, False).decode(self.logits)

    @property
    def layers(self):
        """Indices of the layers that were recorded, as a list."""
        return [i for i, s in enumerate(self.spikes) if s is not None]

    def __repr__(self):
        n_samples, n_steps, _ = self.logits.shape
        return (
            f"SimulationRecord(n_samples={n_samples}, n_steps={n_steps}, "
            f"layers={self.layers})"
        )


def check_record(layers, n_layers, max_memory):
    """Check what a record is to be of.

    Parameters
    ----------
    layers : array-like of int or None
        As the user gave them; None for all.
    n_layers : int
        How many there are.
    max_memory : float

    Returns
    -------
    chosen : list of int
        Indices of the layers, not negative.

    Raises
    ------
    ValueError
        If there is no such layer, or no such memory.
    """
    chosen = np.arange(n_layers) if layers is None else np.atleast_1d(layers)
    if chosen.ndim > 1 or not all(
        isinstance(i, Integral) and -n_layers <= i < n_layers for i in chosen.tolist()
    ):
        raise ValueError(
            f"layers must be a list of indices of coefs_, of which there are "
            f"{n_layers}, got {layers!r}."
        )
    if not (isinstance(max_memory, Real) and max_memory > 0):
        raise ValueError(f"max_memory must be positive, got {max_memory!r}.")
    return sorted({int(i) % n_layers for i in chosen})


def record(engine, params, X, target, layers, keep_inputs, max_memory):
    """Run the network and record what happens.

    The numpy engine runs: its spikes are those of all engines, and it has them on tape.

    Parameters
    ----------
    engine : NumpyEngine
    params : list of dicts of ndarrays
    X : batch
        See `NumpyEngine`.
    target : target
        What the outputs stand for.
    layers : list of int
        Indices of layers, not negative.
    keep_inputs : bool
    max_memory : float
        In GiB.

    Returns
    -------
    record : SimulationRecord

    Raises
    ------
    ValueError
        Before anything is done, if the record would be larger than `max_memory`.
    """
    network, n_steps = engine.network, engine.n_steps
    shape, dtype = (X.shape[0], n_steps), params[0]["coef"].dtype
    sizes = [network.layers[i].n_units for i in layers]
    must_draw = keep_inputs and isinstance(X, SpikeTrains)
    size = np.prod(shape, dtype=float) * (
        sum(sizes) * (dtype.itemsize + 1)
        + target.n_outputs * dtype.itemsize
        + must_draw * X.shape[-1]
    )
    if size > max_memory * _GIB:
        raise ValueError(
            f"The record would take {size / _GIB:.2f} GiB, more than max_memory="
            f"{max_memory} GiB. Simulate fewer samples, choose layers, leave the "
            "inputs out (inputs=False), or raise max_memory."
        )
    membranes, spikes = [None] * len(params), [None] * len(params)
    for layer, n_units in zip(layers, sizes, strict=True):
        membranes[layer] = np.full((*shape, n_units), np.nan, dtype)
        spikes[layer] = np.zeros((*shape, n_units), np.uint8)
    logits = np.empty((*shape, target.n_outputs), dtype)
    for rows, tape in engine.tapes(params, X):
        lengths, longest = known_lengths(X[rows]), len(tape.layers[-1]["membrane"])
        here = rows, slice(longest)
        for layer in layers:
            u = tape.layers[layer]["membrane"]
            if lengths is not None:
                u = np.where(within(lengths, longest), u, np.nan)
            membranes[layer][here] = u.transpose(1, 0, 2)
            spikes[layer][here] = tape.layers[layer]["spikes"].transpose(1, 0, 2)
        record = tape.layers[-1]
        steps = running_answers(network, params, record, lengths=lengths)
        for t, outputs in enumerate(steps):
            logits[rows, t] = outputs
        logits[rows, longest:] = outputs[:, np.newaxis]
    inputs = None
    if keep_inputs:
        inputs = np.asarray(X) if must_draw else X
        if known_lengths(X) is not None:
            inputs = X.padded()
        if X.ndim == 2 and X.dtype != np.float32:
            inputs = X.astype(np.float64)  # of whole numbers, too
    known = target.attributes()
    return SimulationRecord(
        inputs,
        membranes,
        spikes,
        logits,
        [p["threshold"].astype(dtype) if "threshold" in p else None for p in params],
        target.names,
        network.loss,
        known.get("y_mean_"),
        known.get("y_scale_"),
        known_lengths(X),
    )


def spikes_per_step(engine, params, X):
    """Count the spikes of each layer at each step.

    Parameters
    ----------
    engine : NumpyEngine
    params : list of dicts of ndarrays
    X : batch of n_samples samples

    Returns
    -------
    counts : ndarray of shape (n_steps, 1 + n_layers)
        Mean over all samples, of which those that have ended fire no more, so that the
        sum over the steps is the mean number of a sample; first of the input, where
        every value that is not zero counts as a spike. A constant current has none.
    """
    counts = np.zeros((engine.n_steps, 1 + len(params)))
    for _, tape in engine.tapes(params, X):
        if isinstance(tape.inputs, Events):
            counts[:, 0] += tape.inputs.spikes.sum(axis=0)
        elif X.ndim == 3:
            counts[: len(tape.inputs), 0] += np.count_nonzero(tape.inputs, axis=(1, 2))
        for layer, of_layer in enumerate(tape.layers):
            of_step = of_layer["spikes"].sum(axis=(1, 2))
            counts[: len(of_step), 1 + layer] += of_step
    return counts / X.shape[0]
