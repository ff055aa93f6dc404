"""The text of a quantised network in C: its constants, and the steps of its layers.

The dynamics are those of `quantization._dynamics`, which has the equations. Where C99
leaves something to the compiler it is not used: negative numbers are not shifted, and
no integer overflows. Products of 32 bits, and their sums, have 64.
"""

import textwrap
from string import Template

from sklearn_snn._version import __version__
from sklearn_snn.export._c_text import (
    ADD,
    ADDING,
    ADDING_OWN,
    ADDING_TIMES,
    ANSWER,
    FUNCTIONS,
    HEADER,
    INPUT,
    INTEGRATING,
    LAYER,
    MAIN,
    MULTIPLY,
    OUTPUTS,
    PACKED_ADD,
    POWER_OF_TWO,
    SPIKING,
    STATES,
    SYNAPSE,
)
from sklearn_snn.export._c_usage import description, steps_in_fit, usage
from sklearn_snn.quantization._dynamics import SPIKE_BITS
from sklearn_snn.quantization._layers import largest_sums
from sklearn_snn.quantization._storage import (
    are_alike,
    are_packed,
    n_bytes,
    stored_constants,
    weight_type,
)


def c_source(model, before, name):
    """Return the C file of a quantised estimator; parameters as of `_Writer`."""
    return _Writer(model, before, name).source()


class _Writer:
    """Writes a quantised estimator, and counts its bytes meanwhile.

    Parameters
    ----------
    model : fitted estimator
        Quantised.
    before : list of transformers
        The steps before it in a pipeline.
    name : str
        What all names in the file begin with.
    """

    def __init__(self, model, before, name):
        self._before = before
        self._model, self._network, self._layers = model, model.network_, model.layers_
        self._levels, self._is_constant = model._levels_, not model._is_sequential_
        self._names = {"p": name, "P": name.upper()}
        self._bits = model._precision_.bits
        self._is_packed, self._weight = are_packed(self._bits), weight_type(self._bits)
        is_small = model._precision_.membrane_bits <= 16
        self._state = "int16_t" if is_small else "int32_t"
        self._input = f"{self._levels.dtype.name}_t"
        is_small = max(largest_sums(self._layers, self._levels.largest)) < 2**31
        self._sum = "int32_t" if is_small else "int64_t"
        self._constant_bytes = self._state_bytes = 0

    def source(self):
        """Return the whole file."""
        indices = range(len(self._layers))
        parts = [
            self._helpers(),
            *(self._constants(index) for index in indices),
            self._variables(),
            *(self._layer(index) for index in indices),
            self._functions(),
            self._main(),
        ]
        # What knows the bytes is written last, and stands first.
        return self._header() + "".join(parts)

    def _fill(self, template, **values):
        return Template(template).substitute(self._names | values)

    def _header(self):
        """Return the comment on the file, and its declarations."""
        lines = usage(self._model, self._before, self._input, self._names["p"])
        fewest, most = steps_in_fit(self._model)
        n_steps = f"#define {self._names['P']}_N_STEPS {most}\n"
        sizes = [self._model.n_features_in_, *map(len, (x.bias for x in self._layers))]
        return self._fill(
            HEADER,
            version=__version__,
            described=description(self._model, sizes),
            usage="\n".join(f" * {line}".rstrip() for line in lines),
            constant_bytes=self._constant_bytes,
            state_bytes=self._state_bytes,
            bits=self._bits,
            storage="two in a byte" if self._is_packed else f"each an {self._weight}",
            n_inputs=sizes[0],
            n_outputs=sizes[-1],
            n_layers=len(self._layers),
            n_steps=n_steps if most is not None and fewest == most else "",
            declarations="\n".join(f"{line};" for line in self._declared()),
        )

    def _declared(self):
        """Return the declarations of all functions that users call."""
        p = self._names["p"]
        heads = [f"void {p}_reset(void)", f"void {self._step_head()}"]
        if self._is_constant:
            heads.insert(1, f"void {p}_input(const {self._input} *values)")
        heads.append(f"void {p}_outputs(int64_t *outputs)")
        if self._has_answer():
            heads.append(f"int {p}_answer(void)")
        return [*heads, f"const uint8_t *{p}_spikes(int layer)"]

    def _step_head(self):
        """Return name and arguments of the function of a step."""
        given = "spikes" if self._levels.are_spikes else "values"
        first = "" if self._is_constant else f"const {self._input} *{given}_in, "
        return f"{self._names['p']}_step({first}uint8_t *spikes_out)"

    def _has_answer(self):
        """Tell whether one of the outputs is the answer."""
        return self._network.loss == "cross_entropy"

    def _helpers(self):
        """Return the functions that all layers share."""
        precision = self._model._precision_
        leaked = MULTIPLY if precision.leak == "multiply" else POWER_OF_TWO
        whole, limit = 2**precision.leak_bits, 2 ** (precision.membrane_bits - 1) - 1
        bits = precision.membrane_bits
        parts = [self._fill(STATES, membrane_bits=bits, limit=limit)]
        parts.append(self._fill(leaked, whole=whole))
        add = PACKED_ADD if self._is_packed else ADD
        types = {"sum": self._sum, "weight": self._weight}
        is_recurrent = self._layers[0].recurrent_weights is not None
        if self._levels.are_spikes or len(self._layers) > 1 or is_recurrent:
            values = {"what": "a spike", "suffix": "", "argument": "", "times": ""}
            parts.append(self._fill(add, **types, **values))
        if not self._levels.are_spikes:
            values = {"what": "an input, times its value", "suffix": "_times"}
            values |= {"argument": f", {self._input} x", "times": f"({self._sum})x * "}
            parts.append(self._fill(add, **types, **values))
        return "".join(parts)

    def _constants(self, index):
        """Return the arrays of a layer; leaks that are all alike become a number."""
        arrays = stored_constants(self._layers[index], self._bits)
        return "".join(self._array(index, *array) for array in arrays)

    def _array(self, index, name, type_, values):
        """Return a constant array."""
        self._constant_bytes += values.size * n_bytes(type_)
        numbers = ", ".join(map(str, values.ravel().tolist()))
        lines = textwrap.fill(numbers, 96)
        head = f"static const {type_} {self._names['p']}_{name}_{index}"
        return f"\n{head}[{values.size}] = {{\n{lines}\n}};\n"

    def _variables(self):
        """Return the states of all layers, and what is read of the last one."""
        lines, p = [], self._names["p"]
        sizes = [len(layer.bias) for layer in self._layers]
        for index, (layer, size) in enumerate(zip(self._layers, sizes, strict=True)):
            lines.append((self._state, f"{p}_v_{index}", size))
            if layer.leak_syn is not None:
                lines.append((self._state, f"{p}_i_{index}", size))
            lines.append(("uint8_t", f"{p}_s_{index}", size))
        if self._is_constant:
            lines.append((self._sum, f"{p}_current", sizes[0]))
        if summing := sizes[self._is_constant :]:  # the input has sums of its own
            lines.append((self._sum, f"{p}_sums", max(summing)))
        if self._layers[0].recurrent_weights is not None:
            lines.append((self._sum, f"{p}_own", max(sizes[:-1])))
        readout = self._network.readout
        if readout.counts:
            lines.append(("int32_t", f"{p}_counts", sizes[-1]))
        if readout.statistic is not None:
            lines.append(("int64_t", f"{p}_membranes", sizes[-1]))
        self._state_bytes = 8 + sum(size * n_bytes(type_) for type_, _, size in lines)
        declared = "".join(f"static {t} {name}[{size}];\n" for t, name, size in lines)
        return f"\n{declared}static int32_t {p}_t, {p}_n_read;\n"

    def _layer(self, index):
        """Return the function that runs a step of a layer."""
        layer, p = self._layers[index], self._names["p"]
        n_inputs, n_units = layer.weights.shape
        values = {"index": index, "n_inputs": n_inputs, "n_units": n_units}
        values |= {"row": self._row(n_units), "weight": self._weight}
        values["shift"] = 2**layer.shift
        is_first, is_last = index == 0, index == len(self._layers) - 1
        sums = f"{p}_sums"
        parts = {"input": "", "argument": "void", "own": "", "own_current": ""}
        if is_first and self._is_constant:
            sums = f"{p}_current"
        else:
            is_graded = is_first and not self._levels.are_spikes
            adding = ADDING_TIMES if is_graded else ADDING
            parts["input"] = self._fill(adding, sums=sums, **values)
            type_ = self._input if is_first else "uint8_t"
            parts["argument"] = f"const {type_} *x"
        if layer.recurrent_weights is not None:
            parts["own"] = self._fill(ADDING_OWN, **values)
            parts["own_current"] = (
                f" + (int64_t){p}_own[k] * {2**layer.recurrent_shift}"
            )
        parts["synapse"], source = "", "current"
        if layer.leak_syn is not None:
            leak = self._leak(index, "leak_syn")
            parts["synapse"] = self._fill(SYNAPSE, leak=leak, **self._cast(index))
            source = f"{p}_i_{index}[k]"
        neuron = SPIKING if layer.threshold is not None else INTEGRATING
        reset = {
            "zero": "s ? 0 : u",
            "subtract": f"s ? u - {p}_threshold_{index}[k] : u",
            "none": "u",
        }[self._network.layers[index].neuron.reset]
        body = self._fill(neuron, reset=reset, **self._cast(index))
        reading = self._reading() if is_last else ""
        leak = self._leak(index, "leak")
        parts |= {"source": source, "leak": leak, "neuron": body, "reading": reading}
        return self._fill(LAYER, sums=sums, **parts, **values)

    def _cast(self, index):
        """Return the number of a layer, and how its states are stored."""
        return {"index": index, "cast": f"({self._state})"}

    def _row(self, n_units):
        """Return how many elements of an array a row of weights has."""
        return (n_units + 1) // 2 if self._is_packed else n_units

    def _leak(self, index, name):
        """Return the leak of a neuron as an expression."""
        values = getattr(self._layers[index], name)
        if are_alike(values):
            return str(values[0])
        return f"{self._names['p']}_{name}_{index}[k]"

    def _reading(self):
        """Return what is read of an output neuron in a step."""
        readout, p = self._network.readout, self._names["p"]
        lines = [f"{p}_counts[k] += s;"] if readout.counts else []
        total = f"{p}_membranes[k]"
        if readout.statistic == "sum":
            lines.append(f"{total} += u;")
        elif readout.statistic == "last":
            lines.append(f"{total} = u;")
        elif readout.statistic == "max":
            lines.append(f"if ({p}_n_read == 0 || u > {total}) {{ {total} = u; }}")
        inner = "\n".join(f"            {line}" for line in lines)
        return f"        if ({p}_t >= {readout.start}) {{\n{inner}\n        }}\n"

    def _functions(self):
        """Return the functions that users call."""
        p, indices = self._names["p"], range(len(self._layers))
        calls = [f"    {p}_layer_{i}({self._below(i)});" for i in indices]
        cases = [f"    case {i}: return {p}_s_{i};" for i in indices]
        values = {"calls": "\n".join(calls), "cases": "\n".join(cases)}
        values |= {"resets": "\n".join(self._resets()), "head": self._step_head()}
        values |= {"last": indices[-1], "start": self._network.readout.start}
        parts = [self._input_function()] if self._is_constant else []
        parts.append(self._fill(FUNCTIONS, **values))
        parts.append(self._fill(OUTPUTS, body=self._output()))
        if self._has_answer():
            parts.append(self._fill(ANSWER))
        return "".join(parts)

    def _below(self, index):
        """Return what a layer is given in a step."""
        if index:
            return f"{self._names['p']}_s_{index - 1}"
        if self._is_constant:
            return ""
        return "spikes_in" if self._levels.are_spikes else "values_in"

    def _resets(self):
        """Return loops that make all variables 0."""
        p, loops = self._names["p"], []
        for index, layer in enumerate(self._layers):
            states = ["v", "s"] if layer.leak_syn is None else ["v", "i", "s"]
            loops.append((len(layer.bias), [f"{p}_{x}_{index}" for x in states]))
        readout = self._network.readout
        kept = [f"{p}_counts"] * readout.counts
        kept += [f"{p}_membranes"] * (readout.statistic is not None)
        loops.append((len(self._layers[-1].bias), kept))
        lines = []
        for size, names in loops:
            zeros = " ".join(f"{name}[k] = 0;" for name in names)
            lines.append(f"    for (int k = 0; k < {size}; k++) {{ {zeros} }}")
        return lines

    def _input_function(self):
        """Return the function that takes a constant current."""
        n_inputs, n_units = self._layers[0].weights.shape
        values = {"n_inputs": n_inputs, "n_units": n_units, "index": 0}
        values |= {"row": self._row(n_units), "weight": self._weight}
        adding = ADDING if self._levels.are_spikes else ADDING_TIMES
        body = self._fill(adding, sums=f"{self._names['p']}_current", **values)
        return self._fill(INPUT, type=self._input, body=body)

    def _output(self):
        """Return how an output is worked out."""
        readout, p = self._network.readout, self._names["p"]
        lines, total = [], f"{p}_membranes[k]"
        if not readout.counts:
            lines.append(f"outputs[k] = {total};")
        else:
            lines.append(f"int64_t output = (int64_t){p}_counts[k] * {2**SPIKE_BITS};")
            if readout.statistic is not None:
                threshold = f"{p}_threshold_{len(self._layers) - 1}[k]"
                lines.append(f"int64_t span = (int64_t){p}_n_read * {threshold};")
                part = 2 ** (SPIKE_BITS - readout.ties)
                if readout.ties:
                    lines.append(f"span += {total} < 0 ? -{total} : {total};")
                lines.append(f"output += {total} * {part} / (span > 0 ? span : 1);")
            if readout.is_signed:
                half = 2 ** (SPIKE_BITS - 1)
                lines.append(f"output -= (int64_t){p}_n_read * {half};")
            lines.append("outputs[k] = output;")
        return "\n".join(f"        {line}" for line in lines)

    def _main(self):
        """Return the function for tests."""
        p = self._names["p"]
        step = f"{p}_step(0);" if self._is_constant else f"{p}_step(values, 0);"
        if self._is_constant:
            step = f"if (t == 0) {{ {p}_input(values); }} {step}"
        return self._fill(
            MAIN,
            sizes=", ".join(str(len(layer.bias)) for layer in self._layers),
            input=self._input,
            reads="t == 0" if self._is_constant else "1",
            step=step,
        )
