"""operation_report: counts what a fitted network does, and what it consists of."""

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_snn._base import BaseSpikingNetwork
from sklearn_snn._engines.numpy_engine import NumpyEngine
from sklearn_snn._inputs.validation import validate_input
from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn._utils.warnings import each_once
from sklearn_snn.inspection._pipelines import active_steps
from sklearn_snn.metrics._counting import counts_of_mlp, counts_of_network
from sklearn_snn.metrics._report import LayerOperations, OperationReport
from sklearn_snn.quantization._base import BaseQuantizedNetwork
from sklearn_snn.quantization._storage import footprint


@with_own_errstate
@each_once()
def operation_report(estimator, X):
    """Count the operations of a fitted network on given samples, and its memory.

    With ``x_ti``, input ``i`` of a layer in step ``t``, and its weights ``w_ij``, the
    layer does, for a sample of ``T`` steps,

    - ``T * n_inputs * n_units`` dense synaptic operations; and
    - ``sum_ti [x_ti != 0] sum_j [w_ij != 0]`` effective ones: accumulates (ACs) if its
      inputs are -1, 0 and 1 in all samples, as spikes are; else multiply-accumulates
      (MACs).

    A recurrent layer does the same on its own spikes of the step before. Adding the
    bias is no synaptic operation. These are NeuroBench's definitions (Yik et al., "The
    neurobench framework for benchmarking neuromorphic computing algorithms and
    systems", Nature Communications 16, 2025), and so are those of sparsities, membrane
    updates and footprint, which `LayerOperations` has. Where there is a choice:

    - A constant current (2-D input) is multiplied once and then added at each step, as
      it is computed here: its dense operations are ``n_inputs * n_units``. A program
      that multiplies it again at each step does ``T`` times as many.
    - Samples of unequal length count up to their ends.
    - What comes in is judged over all samples. NeuroBench looks at each step of each
      batch by itself, and so counts as ACs what happens to be 0 or 1 there.
    - Of a quantised network its integers count, in an integer simulation of its own:
      inputs and weights that were rounded to 0 are 0, and what is no spike is
      multiplied, as it is by a chip: a value of 1 that is level 255, too.
    - An encoder's own work, such as drawing random numbers, and that of scalers and
      other transformers, is not counted; nor is reading the answer out.

    The counts are sums of whole numbers, divided by the number of samples: they do not
    depend on how many samples are computed at once, nor on the engine. Memory is that
    of a few samples at a time.

    Parameters
    ----------
    estimator : SpikingClassifier, SpikingRegressor, QuantizedSpikingClassifier, \
            QuantizedSpikingRegressor, MLPClassifier, MLPRegressor, Pipeline or search
        Fitted. Of a pipeline that ends in one of these, the last step is looked at, and
        given what the steps before make of X; of a search, the best.
    X : array-like, sparse matrix or SpikeTrains with n_samples rows
        What `estimator` predicts from.

    Returns
    -------
    report : OperationReport
        Means over the samples.

    Raises
    ------
    TypeError
        If there is no such network at the end of `estimator`.
    NotFittedError
        If `estimator` is not fitted.
    ValueError
        If X is not acceptable, as in `predict`.

    See Also
    --------
    energy : What these operations take.
    SpikingClassifier.simulate : The spikes themselves.

    Examples
    --------
    A spiking network beside an MLP of the same size:

    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
    >>> from sklearn_snn.metrics import operation_report
    >>> X, y = load_digits(return_X_y=True)
    >>> X, y = X[:200], y[:200]
    >>> spiking = make_pipeline(
    ...     PoissonSpikeEncoder(n_steps=5, random_state=0),
    ...     SpikingClassifier((30,), max_iter=5, random_state=0),
    ... ).fit(X, y)
    >>> report = operation_report(spiking, X)
    >>> report.n_steps, report.effective_macs, report.dense
    (5.0, 0.0, 11100.0)
    >>> bool(report.synaptic_operations < report.dense / 2)
    True
    >>> bool(report.input_operations > report.synaptic_operations / 2)
    True
    >>> mlp = MLPClassifier((30,), max_iter=5, random_state=0).fit(X, y)
    >>> operation_report(mlp, X).effective_acs
    0.0
    """
    *before, model = active_steps(estimator) or [estimator]
    of_kind = next((of for kinds, of in _KINDS if isinstance(model, kinds)), None)
    if of_kind is None:
        raise TypeError(
            "operation_report counts what a SpikingClassifier, SpikingRegressor, one "
            "of these quantised, MLPClassifier or MLPRegressor does, or a pipeline or "
            "search that ends in one: there is none at the end of this "
            f"{type(estimator).__name__}."
        )
    check_is_fitted(model)
    for step in before:
        X = step.transform(X)
    return of_kind(model, X)


def _of_mlp(mlp, X):
    """Return the report of a fitted MLP."""
    X = validate_data(mlp, X, reset=False, accept_sparse="csr")
    weights = [
        {"coef": coef, "intercept": intercept}
        for coef, intercept in zip(mlp.coefs_, mlp.intercepts_, strict=True)
    ]
    sends = [True] * (len(weights) - 1) + [False]
    counts = counts_of_mlp(mlp, X)
    return _report(counts, weights, sends, map(_footprint, weights), X.shape[0])


def _of_network(model, X):
    """Return the report of a fitted spiking network."""
    X = validate_input(model, X, reset=False)
    engine, params = NumpyEngine(*model._network_for(X)), model._learned_params()
    return _of_spikes(engine, params, X, map(_footprint, params))


def _of_quantized(model, X):
    """Return the report of a fitted quantised network."""
    engine, X = model._engine_and_input(X)
    bits = model._precision_.bits
    footprints = [footprint(layer, bits) for layer in model.layers_]
    return _of_spikes(engine, model._integer_params(), X, footprints)


# Instances of what are taken, and what makes the report of one.
_KINDS = (
    (BaseSpikingNetwork, _of_network),
    (BaseQuantizedNetwork, _of_quantized),
    ((MLPClassifier, MLPRegressor), _of_mlp),
)


def _of_spikes(engine, params, X, footprints):
    """Return the report of a network of spikes that an engine runs."""
    sends = [layer.neuron.fires for layer in engine.network.layers]
    counts = counts_of_network(engine, params, X)
    return _report(counts, params, sends, footprints, X.shape[0])


def _report(counts, params, sends, footprints, n_samples):
    """Return what the counts of all samples say of one."""
    names = [f"Hidden layer {i + 1}" for i in range(len(counts) - 1)]
    names.append("Output layer")
    sources = ["Input", *names]
    layers = tuple(
        _of_layer(*of_layer, n_samples)
        for of_layer in zip(
            *(names, sources[: len(names)], counts, params, sends, footprints),
            strict=True,
        )
    )
    fired = [c for c, is_sent in zip(counts, sends, strict=True) if is_sent]
    weights = [w for p in params for w in _weights(p)]
    return OperationReport(
        layers,
        n_samples,
        counts[-1].n_steps / n_samples,
        _sparsity(
            sum(int(c.n_fired.sum()) for c in fired),
            sum(c.n_steps * len(c.n_fired) for c in fired),
        ),
        _connection_sparsity(weights),
    )


def _of_layer(name, source, counts, p, is_sent, n_bytes, n_samples):
    """Return what the counts of all samples say of a layer and one sample."""
    coef, n_units = p["coef"], len(p["intercept"])
    effective = _effective(counts.n_active, coef) / n_samples
    recurrent_dense = recurrent_acs = 0.0
    if "recurrent" in p:
        recurrent_dense = counts.n_steps * n_units**2 / n_samples
        recurrent_acs = _effective(counts.n_heard, p["recurrent"]) / n_samples
    n_sent = counts.n_steps * n_units if is_sent else 0
    return LayerOperations(
        name,
        source,
        len(coef),
        n_units,
        counts.n_presented * coef.size / n_samples,
        0.0 if counts.is_graded else effective,
        effective if counts.is_graded else 0.0,
        recurrent_dense,
        recurrent_acs,
        int(counts.n_updates) / n_samples,
        _sparsity(int(counts.n_fired.sum()), n_sent),
        _connection_sparsity(_weights(p)),
        n_bytes,
    )


def _weights(p):
    """Return the weights of a layer, its recurrent ones included."""
    return [p[name] for name in ("coef", "recurrent") if name in p]


def _effective(n_active, weights):
    """Return how many operations active inputs led to, by weights that are not zero."""
    return int(n_active @ np.count_nonzero(weights, axis=1))


def _connection_sparsity(weights):
    """Return the share of all weights that is zero."""
    n_not_zero = sum(int(np.count_nonzero(w)) for w in weights)
    return _sparsity(n_not_zero, sum(w.size for w in weights))


def _sparsity(n_not_zero, n):
    """Return the share that is zero; NaN of nothing."""
    return (n - n_not_zero) / n if n else float("nan")


def _footprint(p):
    """Return the bytes that the parameters of a layer take.

    Constants of neurons are computed with in the type of the weights.
    """
    itemsize = p["coef"].itemsize
    of_layer = {"coef", "intercept", "recurrent"}
    n_numbers = sum(p[name].size for name in of_layer & p.keys())
    for name in p.keys() - of_layer:
        is_common = (p[name] == p[name][0]).all()
        n_numbers += 1 if is_common else len(p[name])
    return n_numbers * itemsize
