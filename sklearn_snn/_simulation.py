"""A record of what happened in a network: every membrane and spike of some samples."""

from dataclasses import dataclass

import numpy as np

from sklearn_snn._engines.numpy_engine import NumpyEngine
from sklearn_snn._inputs.spike_trains import Events, SpikeTrains
from sklearn_snn._model.network import class_probabilities, readout
from sklearn_snn._utils.errstate import with_own_errstate

_GIB = 2**30


@dataclass(frozen=True, repr=False)
class SimulationRecord:
    """What `SpikingClassifier.simulate` recorded.

    The lists have an element per layer, in the order of `SpikingClassifier.coefs_`: the
    hidden layers and last the output layer. It is None for a layer that was not asked
    for.

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
    logits : ndarray of shape (n_samples, n_steps, n_classes)
        Scaled spike counts of the output neurons up to each step; at the last one the
        logits of the prediction.
    threshold : float
        Membrane above which a neuron fires.
    classes : ndarray of shape (n_classes,)
        What the output neurons stand for.

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
    threshold: float
    classes: np.ndarray

    @property
    @with_own_errstate
    def probabilities(self):
        """Class probabilities after each step, of the shape of `logits`."""
        return class_probabilities(self.logits)

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


def record(network, coefs, intercepts, X, classes, layers, keep_inputs, max_memory):
    """Run the network and record what happens.

    The numpy engine runs: its spikes are those of all engines, and it has them on tape.

    Parameters
    ----------
    network : Network
    coefs, intercepts : lists of ndarrays
    X : batch
        See `NumpyEngine`.
    classes : ndarray of shape (n_classes,)
    layers : list of int
        Indices of `coefs`, not negative.
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
    shape, dtype = (X.shape[0], network.n_steps), coefs[0].dtype
    sizes = [len(intercepts[i]) for i in layers]
    must_draw = keep_inputs and isinstance(X, SpikeTrains)
    size = np.prod(shape, dtype=float) * (
        sum(sizes) * (dtype.itemsize + 1)
        + len(classes) * dtype.itemsize
        + must_draw * X.shape[-1]
    )
    if size > max_memory * _GIB:
        raise ValueError(
            f"The record would take {size / _GIB:.2f} GiB, more than max_memory="
            f"{max_memory} GiB. Simulate fewer samples, choose layers, leave the "
            "inputs out (inputs=False), or raise max_memory."
        )
    membranes, spikes = [None] * len(coefs), [None] * len(coefs)
    for layer, n_units in zip(layers, sizes, strict=True):
        membranes[layer] = np.empty((*shape, n_units), dtype)
        spikes[layer] = np.empty((*shape, n_units), np.uint8)
    logits = np.empty((*shape, len(classes)), dtype)
    for rows, tape in NumpyEngine(network).tapes(coefs, intercepts, X):
        for layer in layers:
            membranes[layer][rows] = tape.membranes[layer].transpose(1, 0, 2)
            spikes[layer][rows] = tape.spikes[layer].transpose(1, 0, 2)
        counts = tape.spikes[-1].cumsum(axis=0).transpose(1, 0, 2)
        logits[rows] = readout(network, counts)
    inputs = None
    if keep_inputs:
        inputs = np.asarray(X) if must_draw else X
        if X.ndim == 2 and X.dtype != np.float32:
            inputs = X.astype(np.float64)  # of whole numbers, too
    threshold = network.neuron.threshold
    return SimulationRecord(inputs, membranes, spikes, logits, threshold, classes)


def spikes_per_step(network, coefs, intercepts, X):
    """Count the spikes of each layer at each step.

    Parameters
    ----------
    network : Network
    coefs, intercepts : lists of ndarrays
    X : batch of n_samples samples

    Returns
    -------
    counts : ndarray of shape (n_steps, 1 + n_layers)
        Mean over the samples; first of the input, where every value that is not zero
        counts as a spike. A constant current has none.
    """
    counts = np.zeros((network.n_steps, 1 + len(coefs)))
    for _, tape in NumpyEngine(network).tapes(coefs, intercepts, X):
        if isinstance(tape.inputs, Events):
            counts[:, 0] += tape.inputs.spikes.sum(axis=0)
        elif X.ndim == 3:
            counts[:, 0] += np.count_nonzero(tape.inputs, axis=(1, 2))
        for layer, s in enumerate(tape.spikes):
            counts[:, 1 + layer] += s.sum(axis=(1, 2))
    return counts / X.shape[0]
