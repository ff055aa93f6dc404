"""What the first lines of a C file say: how the network is run, and what it answers."""

import textwrap

import numpy as np

from sklearn_snn.quantization._dynamics import MAX_STEPS, SPIKE_BITS


def description(model, sizes):
    """Return a sentence on what the network is."""
    neurons = "-".join(map(str, sizes))
    readout = model.network_.readout.name
    return f"A {type(model).__name__}, {neurons}, read out by {readout}."


def steps_in_fit(model):
    """Return the fewest and the most steps of a sample in `fit`; None for unknown."""
    if not model._is_sequential_:
        n_steps = model._on_grid_._constants_["n_steps"]
        return n_steps, n_steps
    learned = getattr(model, "_learned_input_", None) or {}
    return learned.get("shortest"), learned.get("longest")


def usage(model, before, input_type, p):
    """Return lines on how a network is run.

    Parameters
    ----------
    model : fitted estimator
        Quantised.
    before : list of transformers
        The steps before it in a pipeline, which are not in the file.
    input_type : str
        Of an input, in C.
    p : str
        What the names of functions begin with.

    Returns
    -------
    lines : list of str
    """
    first = _first(model)
    text = [
        f"For each sample call {p}_reset(), {_calls(model, p)}. spikes_out, which may "
        "be 0, gets the spikes of the output neurons. Answers are to the steps since "
        f"the reset{first}: there may be {MAX_STEPS} of them, and answers be asked for "
        "after any.",
        _inputs(model, before, input_type),
        _answers(model, p),
    ]
    return [line for part in text for line in textwrap.wrap(part, 84)]


def _calls(model, p):
    """Return what is called for the steps of a sample."""
    fewest, most = steps_in_fit(model)
    if not model._is_sequential_:
        return f"{p}_input(values), and then {p}_step(spikes_out) {most} times"
    given = "spikes_in" if model._levels_.are_spikes else "values_in"
    calls = f"{p}_step({given}, spikes_out) for each step"
    if most is None:
        return calls
    known = most if fewest == most else f"{fewest} to {most}"
    return f"{calls}, of which the samples in fit had {known}"


def _inputs(model, before, input_type):
    """Return what is said of the input, and of what makes it."""
    levels, is_sequence = model._levels_, model._is_sequential_
    if levels.are_spikes:
        given, what = "1 where there is a spike, and else 0", "The spikes are those"
    else:
        units, unit = levels.unit.tolist(), "unit[k]"
        if len(set(units)) == 1:
            unit = f"{units[0]!r}"
        given, what = f"round(x / {unit}), half to even, clipped to ", "x is"
        given += f"{levels.low} to {levels.high}"
        if unit == "unit[k]":
            given += f", of input k with unit = {units}"
    if before:
        *others, last = [_of_ascii(type(step).__name__)[1:-1] for step in before]
        names = f"{', '.join(others)} and {last}" if others else last
        which = "that" if levels.are_spikes else "what"
        source = (
            f"{which} the steps before the network, {names}, make of a "
            f"{'sample' if is_sequence else 'row'}: they are not in this file"
        )
    elif levels.are_spikes:
        source = "of X, as the estimator was fitted with it"
    else:
        of = "channel of X at that step" if is_sequence else "column of X"
        source = f"a value of a {of}, as the estimator was fitted with it"
    return f"An input is given as {input_type}: {given}. {what} {source}."


def _answers(model, p):
    """Return what is said of the answers."""
    written = f"what {p}_outputs(outputs) writes"
    if hasattr(model, "classes_"):
        if model.network_.loss == "cross_entropy":
            names = ", ".join(map(_of_ascii, model.classes_.tolist()))
            return (
                f"{p}_answer() is an index in the classes: {names}. Probabilities are "
                f"the softmax of u * outputs[k], of {written}, with {_unit(model)}."
            )
        return (
            f"Label k is an answer where outputs[k] > 0, of {written}; its probability "
            f"is 1 / (1 + exp(-u * outputs[k])), with {_unit(model)}."
        )
    target = model._on_grid_
    mean, scale = (np.atleast_1d(a).tolist() for a in (target.y_mean_, target.y_scale_))
    return (
        f"Number k is mean[k] + scale[k] * u * outputs[k], of {written}, with mean = "
        f"{mean}, scale = {scale} and {_unit(model)}."
    )


def _unit(model):
    """Return what an output of 1 stands for, in words of arithmetic."""
    readout = model.network_.readout
    if readout.counts:
        unit = f"u = 10.0 / n_read / {2**SPIKE_BITS}"
    elif readout.statistic == "sum":
        unit = f"u = {readout.scale!r} / n_read"
    else:
        return f"u = {readout.scale!r}"
    return f"{unit}, where n_read is the number of steps since the reset{_first(model)}"


def _first(model):
    """Return that the first steps are not read, if that is so."""
    start = model.network_.readout.start
    return f", but for the first {start}" if start else ""


def _of_ascii(label):
    """Return a label without what would end a comment or begin one, all in ASCII."""
    return ascii(label).replace("*/", "* /").replace("/*", "/ *")
