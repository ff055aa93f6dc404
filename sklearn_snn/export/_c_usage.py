"""What the first lines of a C file say: how the network is run, and what it answers."""

import textwrap

import numpy as np

from sklearn_snn.quantization._dynamics import MAX_STEPS, SPIKE_BITS


def description(model, sizes):
    """Return a sentence on what the network is."""
    neurons = "-".join(map(str, sizes))
    readout = model.network_.readout.name
    return f"A {type(model).__name__}, {neurons}, read out by {readout}."


def usage(model, input_type, p, n_steps):
    """Return lines on how a network is run.

    Parameters
    ----------
    model : fitted estimator
        Quantised.
    input_type : str
        Of an input, in C.
    p : str
        What the names of functions begin with.
    n_steps : int
        For which a constant current was injected in training.

    Returns
    -------
    lines : list of str
    """
    levels = model._levels_
    if not model._is_sequential_:
        steps = f"{p}_input(values), and then {p}_step(spikes_out) {n_steps} times"
    else:
        given = "spikes_in" if levels.are_spikes else "values_in"
        steps = f"{p}_step({given}, spikes_out) for each step"
    text = [
        f"For each sample call {p}_reset(), {steps}. spikes_out, which may be 0, gets "
        "the spikes of the output neurons. Answers are to the steps since the reset, "
        f"of which there may be {MAX_STEPS}, and may be asked for after any of them."
    ]
    if levels.are_spikes:
        text.append("An input is 1 where there is a spike, and else 0.")
    else:
        units, unit, of = levels.unit.tolist(), "unit[k]", "Input k, x,"
        if len(set(units)) == 1:
            unit, of = f"{units[0]!r}", "An input x"
        text.append(
            f"{of} is given as an {input_type}: round(x / {unit}), half to even, "
            f"clipped to {levels.low} to {levels.high}."
        )
        if unit == "unit[k]":
            text[-1] = text[-1][:-1] + f", with unit = {units}."
    text.append(_answers(model, p))
    return [line for part in text for line in textwrap.wrap(part, 84)]


def _answers(model, p):
    """Return what is said of the answers."""
    if hasattr(model, "classes_"):
        names = ", ".join(map(_of_ascii, model.classes_.tolist()))
        if model.network_.loss == "cross_entropy":
            return f"{p}_answer() is an index in the classes: {names}."
        return f"Labels are those of which {p}_outputs() are above 0."
    unit = _unit(model)
    target = model._on_grid_
    mean, scale = (np.atleast_1d(a).tolist() for a in (target.y_mean_, target.y_scale_))
    return (
        f"Number k is mean[k] + scale[k] * {unit} * {p}_outputs()[k], with mean = "
        f"{mean} and scale = {scale}."
    )


def _unit(model):
    """Return what an output of 1 stands for, in words of arithmetic."""
    readout = model.network_.readout
    if readout.counts:
        n_read = "" if not readout.start else f" - {readout.start}"
        return f"10 / (n_steps{n_read}) / {2**SPIKE_BITS}"
    unit = f"{readout.scale!r}"
    return unit + " / number of steps read" * (readout.statistic == "sum")


def _of_ascii(label):
    """Return a label without what would end the comment, or is not ASCII."""
    return ascii(label).replace("*/", "* /")
