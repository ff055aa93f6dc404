"""OperationReport: what a network does for a sample, layer by layer, and in all."""

from dataclasses import dataclass, fields

_NONE = "-"
_LEGEND = """\
dense: synaptic operations, if nothing were zero; of these, ACs and MACs are those whose
input and weight are not: additions of what spikes bring, and multiplications and
additions of other values. updates: changes of membranes. own silence: share of the
outputs of the layer's own neurons that are 0. zero weights: share of its weights."""


@dataclass(frozen=True)
class LayerOperations:
    """What a layer does for a sample: means over the samples.

    An operation is *effective* if neither what comes in nor the weight is zero. It is
    an accumulate (AC) where only -1, 0 and 1 come in, as spikes are, and else a
    multiply-accumulate (MAC). *Dense* operations are all that there would be if
    nothing were zero. Adding the bias is none.

    Parameters
    ----------
    name : str
        Of the layer, such as "Hidden layer 1".
    source : str
        Where its input comes from: "Input", or the layer below.
    n_inputs, n_units : int
        How many inputs and neurons it has.
    dense : float
        Dense operations on what comes from below.
    effective_acs, effective_macs : float
        Effective ones; one of the two is 0.
    recurrent_dense, recurrent_acs : float
        Those on what a recurrent layer hears of itself, which are spikes.
    membrane_updates : float
        How often the membrane of a neuron is another, after reset, than in the step
        before; in the first step, that of each neuron counts. 0 for the layers of an
        MLP, which have none.
    activation_sparsity : float
        Share of its outputs, over all steps, that are zero: from 0 to 1. NaN for a
        layer that sends nothing: one that never fires, or the output layer of an MLP.
    connection_sparsity : float
        Share of its weights, recurrent ones included, that are zero: from 0 to 1.
    footprint : int
        Memory in bytes: of weights, biases and the constants of the neurons, each a
        number of the type in which the network computes. A constant that all neurons
        of the layer have in common is one number. Of a quantised layer it is what the
        file of `export_c` has as constants: weights of up to 4 bits half a byte each
        (rows of an odd number of them have one more), of up to 8 bits one, else two;
        biases and thresholds 4 bytes each; leaks 2 (4 above 32767), or none if all
        neurons have the same. Membranes and other variables are not counted.

    See Also
    --------
    operation_report : Makes a report of all layers.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.metrics import operation_report
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier((20,), n_steps=10, random_state=0).fit(X, y)
    >>> hidden, output = operation_report(model, X).layers
    >>> hidden.source, hidden.effective_macs  # 4 numbers, multiplied once
    ('Input', 80.0)
    >>> output.source, output.dense  # 20 spikes or none, 3 classes, 10 steps
    ('Hidden layer 1', 600.0)
    """

    name: str
    source: str
    n_inputs: int
    n_units: int
    dense: float
    effective_acs: float
    effective_macs: float
    recurrent_dense: float
    recurrent_acs: float
    membrane_updates: float
    activation_sparsity: float
    connection_sparsity: float
    footprint: int

    @property
    def synaptic_operations(self):
        """Effective operations of all kinds."""
        return self.effective_acs + self.effective_macs + self.recurrent_acs


@dataclass(frozen=True, repr=False)
class OperationReport:
    """What a network does for a sample: means over samples, and its memory.

    As text it is a table, and says what its columns are. `pandas.DataFrame` takes what
    `to_dict` returns.

    Parameters
    ----------
    layers : tuple of LayerOperations
        The layers from the first hidden one to the output layer.
    n_samples : int
        How many samples were looked at.
    n_steps : float
        Mean number of steps of a sample; 1 for an MLP.
    activation_sparsity : float
        Share of the outputs of all layers that send any, over all steps, that are
        zero. NaN if there are none.
    connection_sparsity : float
        Share of all weights that are zero.

    Attributes
    ----------
    dense : float
        Dense synaptic operations of all layers.
    effective_acs : float
        Effective accumulates of all layers, recurrent ones included.
    effective_macs : float
        Effective multiply-accumulates of all layers.
    synaptic_operations : float
        Effective operations of both kinds.
    input_operations : float
        Those of them on the input of the network: with rate coding, most of them.
    membrane_updates : float
        Changes of the membranes of all layers.
    footprint : int
        Memory of the parameters in bytes.

    See Also
    --------
    operation_report : Makes a report.
    energy : Makes an estimate of the energy of one.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.metrics import operation_report
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier((20,), n_steps=10, random_state=0).fit(X, y)
    >>> report = operation_report(model, X)
    >>> report.input_operations, report.dense, report.footprint
    (80.0, 680.0, 1336)
    >>> [layer.name for layer in report.layers]
    ['Hidden layer 1', 'Output layer']
    """

    layers: tuple
    n_samples: int
    n_steps: float
    activation_sparsity: float
    connection_sparsity: float

    @property
    def dense(self):
        """Dense synaptic operations of all layers."""
        return sum(layer.dense + layer.recurrent_dense for layer in self.layers)

    @property
    def effective_acs(self):
        """Effective accumulates of all layers, recurrent ones included."""
        return sum(layer.effective_acs + layer.recurrent_acs for layer in self.layers)

    @property
    def effective_macs(self):
        """Effective multiply-accumulates of all layers."""
        return sum(layer.effective_macs for layer in self.layers)

    @property
    def synaptic_operations(self):
        """Effective operations of both kinds."""
        return self.effective_acs + self.effective_macs

    @property
    def input_operations(self):
        """Effective operations on the input of the network."""
        first = self.layers[0]
        return first.effective_acs + first.effective_macs

    @property
    def membrane_updates(self):
        """Changes of the membranes of all layers."""
        return sum(layer.membrane_updates for layer in self.layers)

    @property
    def footprint(self):
        """Memory of the parameters in bytes."""
        return sum(layer.footprint for layer in self.layers)

    def to_dict(self):
        """Return the layers as columns.

        Returns
        -------
        columns : dict of lists
            A column for each attribute of `LayerOperations`, a row for each layer.
        """
        return {
            field.name: [getattr(layer, field.name) for layer in self.layers]
            for field in fields(LayerOperations)
        }

    def __repr__(self):
        rows = [("", "from", "dense", "ACs", "MACs", "updates", "bytes")]
        rows[0] += "own silence", "zero weights"
        for one in self.layers:
            counts = one.dense, one.effective_acs, one.effective_macs
            counts += one.membrane_updates, one.footprint
            shares = one.activation_sparsity, one.connection_sparsity
            rows.append((one.name, one.source, *_counts(counts), *_shares(shares)))
            if one.recurrent_dense:
                counts = _counts((one.recurrent_dense, one.recurrent_acs, 0))
                rows.append(("", "itself", *counts, *[_NONE] * 4))
        counts = self.dense, self.effective_acs, self.effective_macs
        counts += self.membrane_updates, self.footprint
        shares = self.activation_sparsity, self.connection_sparsity
        rows.append(("All", "", *_counts(counts), *_shares(shares)))
        heading = (
            f"OperationReport(n_samples={self.n_samples}, n_steps={self.n_steps:g}): "
            "operations per sample"
        )
        return f"{heading}\n{as_table(rows)}\n{_LEGEND}"


def as_table(rows):
    """Return rows of text as lines whose columns are aligned, the first ones left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            text.ljust(width) if i < 2 else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def _counts(numbers):
    return [number_of(n) for n in numbers]


def number_of(n):
    """Return a count as text: whole, unless it is small."""
    return f"{n:,.0f}" if n >= 100 or n == int(n) else f"{n:.3g}"


def _shares(numbers):
    return [_NONE if n != n else f"{n:.1%}" for n in numbers]
