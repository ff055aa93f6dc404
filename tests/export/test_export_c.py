"""C files: compiled without a warning, their spikes are those of the network."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from helpers import fast, make_encoder
from quantized import (
    CASES,
    N_STEPS,
    fitted,
    inputs,
    outputs_of,
    quantized,
    unit_of_outputs,
)
from scipy.special import softmax
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_snn.export import export_c
from sklearn_snn.quantization import QuantizedSpikingClassifier, quantize

# With a thousand images.
LARGE = "default", "no_bias", "deep", "recurrent", "power_of_two", "constant"
# Of these, everything that C leaves open is looked for while they run.
SANITIZED = "saturating", "cuba", "recurrent_graded", "four_bits", "constant_signed"
SANITIZER = "-fsanitize=undefined", "-fno-sanitize-recover"
FLAGS = "-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror"


def run(*command, **kwargs):
    """Run a command; return what it printed, with errors in the failure message."""
    done = subprocess.run(command, capture_output=True, check=False, **kwargs)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def compiled(model, folder, *more, name="snn"):
    """Export a network and compile it; return the program that runs samples."""
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler: cc")
    source, program = folder / f"{name}.c", folder / name
    export_c(model, source, name=name)
    define = f"-D{name.upper()}_MAIN"
    run("cc", *FLAGS, "-O1", *more, define, source, "-o", program)
    return program


def results(program, model, X):
    """Return the spikes of all layers, and the outputs, of a compiled network."""
    x = np.ascontiguousarray(model._levels_.of(X)).astype(model._levels_.dtype)
    sizes = [len(layer.bias) for layer in model.layers_]
    printed = run(program, str(N_STEPS), input=x.tobytes())
    split = N_STEPS * sum(sizes)
    table = np.frombuffer(printed, np.uint8).reshape(len(x), split + 8 * sizes[-1])
    steps = table[:, :split].reshape(len(x), N_STEPS, sum(sizes))
    outputs = np.ascontiguousarray(table[:, split:]).view(np.int64)
    return np.split(steps, np.cumsum(sizes)[:-1], axis=2), outputs


@pytest.mark.parametrize("name", CASES)
def test_spikes_and_outputs_are_those_of_the_quantised_network(name, tmp_path):
    case = CASES[name]
    n_samples = 1000 if name in LARGE else 200
    model, X = quantized(name), inputs(case.kind, n_samples)
    check = SANITIZER if name in SANITIZED else ()
    spikes, outputs = results(compiled(model, tmp_path, *check), model, X)
    record = model.simulate(X, inputs=False)
    for ours, theirs in zip(spikes, record.spikes, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    unit = unit_of_outputs(model, N_STEPS)
    np.testing.assert_allclose(outputs * unit, record.logits[:, -1], rtol=1e-13)
    if case.target == "classes":
        answers = model.classes_[outputs.argmax(axis=1)]
        np.testing.assert_array_equal(answers, model.predict(X))


USER = """
#include <stdio.h>
{first}
{second}
int main(void)
{{
    static const uint8_t x[{n_steps}][64] = {{{spikes}}};
    uint8_t out[10], own[10];
    int64_t outputs[10];
    for (int run = 0; run < 2; run++) {{
        first_reset();
        other_reset();
        for (int t = 0; t < {n_steps}; t++) {{
            first_step(x[t], out);
            other_step(x[t], own);
            for (int k = 0; k < 10; k++) {{
                printf("%d%d ", out[k], own[k]);
            }}
            printf("%d %d\\n", first_answer(), other_answer());
        }}
    }}
    first_outputs(outputs);
    return first_spikes(FIRST_N_LAYERS) == 0 ? 0 : 1;
}}
"""


def test_the_functions_that_users_call_and_two_networks_in_a_program(tmp_path):
    """Answers after each step are those of staged_predict; a reset is one."""
    models = [quantized(name) for name in ("default", "zero")]
    X = inputs("trains")[:1]
    parts = []
    for model, name in zip(models, ("first", "other"), strict=True):
        compiled(model, tmp_path, name=name)
        parts.append((tmp_path / f"{name}.c").read_text())
    rows = ["{" + ", ".join(map(str, x)) + "}" for x in np.asarray(X)[0]]
    text = USER.format(
        first=parts[0], second=parts[1], n_steps=N_STEPS, spikes=", ".join(rows)
    )
    (tmp_path / "user.c").write_text(text)
    run("cc", *FLAGS, tmp_path / "user.c", "-o", tmp_path / "user")
    lines = run(tmp_path / "user").decode().splitlines()
    staged = [[s[0] for s in model.staged_predict(X)] for model in models]
    spikes = [model.simulate(X).spikes[-1][0] for model in models]
    expected = []
    for t in range(N_STEPS):
        pairs = zip(*(s[t].tolist() for s in spikes), strict=True)
        fired = " ".join(f"{a}{b}" for a, b in pairs)
        expected.append(f"{fired} {staged[0][t]} {staged[1][t]}")
    assert lines == expected * 2


def test_the_file_says_how_it_is_used_and_how_large_it_is(tmp_path):
    path = tmp_path / "net.c"
    export_c(quantized("four_bits"), path)
    text = path.read_text()
    assert "64-15-10, read out by spike_count" in text
    # 8 bytes for a row of 15 weights and 5 for one of 10; biases and thresholds.
    n_bytes = 64 * 8 + 15 * 8 + 15 * 5 + 2 * 4 * 25
    assert f"Bytes: {n_bytes} of constants" in text
    assert "steps since the reset: there may be 524288 of them" in text_of(path)
    assert "snn_answer() is an index in the classes: 0, 1, 2," in text
    assert re.findall(r"#include (.*)", text)[0] == "<stdint.h>"
    assert "#include" not in text.split("#ifdef SNN_MAIN")[0].split("<stdint.h>")[1]
    assert not re.search(r"\b(float|double|malloc)\b", text.split("#ifdef")[0])
    export_c(quantized("constant"), path)
    assert "snn_input(values), and then snn_step(spikes_out) 12 times" in text_of(path)
    assert "unit[k]), half to even, clipped to 0 to 255" in text_of(path)
    units = text_of(path).split(" with unit = [")[1].split("]")[0]
    units = np.array([float(unit) for unit in units.split(", ")])
    np.testing.assert_array_equal(units, quantized("constant")._levels_.unit)
    assert len({*units}) > 5
    model = fitted("constant")
    for name, end in (("low", 0.0), ("high", 1.0)):
        model._learned_input_[name][:] = end
    export_c(quantize(model), path)
    assert "round(x / 0.00392156862745098), half to even, clipped to 0 to 255" in (
        text_of(path)
    )
    assert "x is a value of a column of X, as the estimator was fitted with it." in (
        text_of(path)
    )
    export_c(quantized("max"), path)
    assert "Answers are to the steps since the reset, but for the first 3:" in (
        text_of(path)
    )
    export_c(quantized("graded"), path)
    assert "x is a value of a channel of X at that step, as the" in text_of(path)
    export_c(quantized("labels"), path)
    assert "Label k is an answer where outputs[k] > 0, of what" in text_of(path)
    assert "snn_answer" not in text_of(path)
    assert "snn_outputs()" not in text_of(path)


def test_the_number_of_steps_is_defined_where_it_is_known(tmp_path):
    path = tmp_path / "net.c"
    for name in ("default", "constant", "events"):
        export_c(quantized(name), path, name="net")
        assert f"#define NET_N_LAYERS 2\n#define NET_N_STEPS {N_STEPS}\n" in (
            path.read_text()
        )
    assert f"for each step, of which the samples in fit had {N_STEPS}." in text_of(path)
    X = [sample[: 5 + i % 4] for i, sample in enumerate(inputs("spikes", 30))]
    model = quantize(fast(engine="numpy").fit(X, np.arange(30) % 3))
    export_c(model, path)
    assert "N_STEPS" not in path.read_text()
    assert "of which the samples in fit had 5 to 8." in text_of(path)
    model._learned_input_ = None  # of an old version
    export_c(model, path)
    assert "N_STEPS" not in path.read_text()
    assert "spikes_out) for each step. spikes_out, which" in text_of(path)


def text_of(path):
    """Return the words of the comment of a file."""
    comment = path.read_text().split("#include")[0].removeprefix("/*")
    lines = [line.removeprefix(" *") for line in comment.splitlines()]
    return " ".join(" ".join(lines).removesuffix("*/").split())


@pytest.mark.parametrize("name", CASES)
def test_what_is_said_of_outputs_makes_the_answers(name, tmp_path):
    """Probabilities of classes and of labels, and numbers, by what the file says."""
    model, path, X = quantized(name), tmp_path / "net.c", inputs(CASES[name].kind, 5)
    record = model.simulate(X)
    last = zip(record.membranes[-1].astype(int), record.spikes[-1], strict=True)
    outputs = np.array([outputs_of(model, u.tolist(), s.tolist()) for u, s in last])
    export_c(model, path)
    text = text_of(path).split(" It is C99")[0]
    assert ", of what snn_outputs(outputs) writes" in text
    unit = re.search(r" u = ([^,]+?)(, where n_read|\.$)", text)[1]
    first = re.search(r"steps since the reset(?:, but for the first (\d+))?\.$", text)
    n_read = N_STEPS - int((first and first[1]) or 0)
    logits = eval(unit, {"n_read": n_read}) * outputs
    if hasattr(model, "predict_proba"):
        is_one = CASES[name].target == "classes"
        said = softmax(logits, axis=1) if is_one else 1 / (1 + np.exp(-logits))
        assert ("softmax of u * outputs[k]" in text) == is_one
        assert ("1 / (1 + exp(-u * outputs[k]))" in text) != is_one
        np.testing.assert_allclose(model.predict_proba(X), said, rtol=1e-9)
    else:
        assert "Number k is mean[k] + scale[k] * u * outputs[k], of what" in text
        mean, scale = (
            np.array(eval(re.search(rf"{name} = (\[.*?\])", text)[1]))
            for name in ("mean", "scale")
        )
        said = (mean + scale * logits).reshape(model.predict(X).shape)
        np.testing.assert_allclose(said, model.predict(X), rtol=1e-12)


def test_labels_that_would_end_the_comment(tmp_path):
    X, y = inputs("trains"), np.where(np.arange(300) % 2, "a*/b/*", "é")
    model = quantize(fast(engine="numpy").fit(X, y))
    compiled(model, tmp_path)


def test_what_is_not_quantised_is_refused(tmp_path):
    path, model = tmp_path / "net.c", fitted("default")
    for estimator in (model, make_pipeline(MinMaxScaler(), model), MinMaxScaler()):
        with pytest.raises(TypeError, match=r"export_c\(quantize\(estimator\), path\)"):
            export_c(estimator, path)
    with pytest.raises(NotFittedError):
        export_c(QuantizedSpikingClassifier(), path)
    for name in ("1st", "a-b", "", None):
        with pytest.raises(ValueError, match="name must begin with a letter"):
            export_c(quantize(model), path, name=name)
    assert not path.exists()


def test_of_a_pipeline_the_last_step_is_written_and_others_are_named(tmp_path):
    X, y = inputs("constant"), np.arange(300) % 3
    a, b = tmp_path / "a.c", tmp_path / "b.c"
    pipeline = make_pipeline(MinMaxScaler(), "passthrough", fast(engine="numpy"))
    whole = quantize(pipeline.fit(X, y))
    export_c(whole, a)
    export_c(whole[-1], b)
    source = "x is what the steps before the network, MinMaxScaler, make of a row: they"
    assert f"{source} are not in this file." in text_of(a)
    assert "MinMaxScaler" not in b.read_text()
    assert a.read_text().split("#include")[1] == b.read_text().split("#include")[1]
    pipeline = make_pipeline(MinMaxScaler(), make_encoder(), fast(engine="numpy"))
    whole = quantize(pipeline.fit(X, y))
    export_c(whole, a)
    names = "MinMaxScaler and PoissonSpikeEncoder"
    source = f"The spikes are those that the steps before the network, {names}, make of"
    assert source in text_of(a)
    export_c(whole[-1], b)
    assert "spikes are those of X, as the estimator was fitted with it." in text_of(b)


def test_of_a_search_the_best_is_written(tmp_path):
    X, y = inputs("constant", 60), np.arange(60) % 3
    model = QuantizedSpikingClassifier(fast(engine="numpy"))
    pipeline = make_pipeline(MinMaxScaler(), model)
    grid = {"quantizedspikingclassifier__bits": [3, 8]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    a, b = tmp_path / "a.c", tmp_path / "b.c"
    export_c(search, a)
    export_c(search.best_estimator_, b)
    assert a.read_bytes() == b.read_bytes()
