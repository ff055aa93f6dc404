"""C files: compiled without a warning, their spikes are those of the network."""

import re
import shutil
import subprocess

import numpy as np
import pytest
from helpers import fast
from quantized import CASES, N_STEPS, fitted, inputs, quantized, unit_of_outputs
from sklearn.exceptions import NotFittedError
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
    assert "which there may be 524288" in text_of(path)
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
    export_c(quantized("labels"), path)
    assert "Labels are those of which snn_outputs() are above 0." in text_of(path)
    assert "snn_answer" not in text_of(path)


def text_of(path):
    """Return the words of the comment of a file."""
    comment = path.read_text().split("#include")[0]
    return " ".join(re.sub(r"[/*]", "", comment.replace("* ", "")).split()).replace(
        "round(x 0.", "round(x / 0."
    )


def test_a_regressor_says_what_its_outputs_are(tmp_path):
    """As its file says it, a number is what it predicts."""
    model, X = quantized("numbers"), inputs("trains")
    program = compiled(model, tmp_path)
    _, outputs = results(program, model, X)
    comment = (tmp_path / "snn.c").read_text().split("#include")[0]
    words = " ".join(line.removeprefix(" * ") for line in comment.splitlines())
    unit = re.search(r"scale\[k\] \* (\S+) / number of steps read \*", words)[1]
    mean, scale = (
        np.array(eval(re.search(rf"{name} = (\[.*?\])", words)[1]))
        for name in ("mean", "scale")
    )
    said = mean + scale * float(unit) / N_STEPS * outputs
    np.testing.assert_allclose(said, model.predict(X), rtol=1e-12)


def test_labels_that_would_end_the_comment(tmp_path):
    X, y = inputs("trains"), np.where(np.arange(300) % 2, "a*/b", "é")
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


def test_of_a_pipeline_the_last_step_is_written(tmp_path):
    model = fast(engine="numpy")
    X = inputs("constant")
    pipeline = make_pipeline(MinMaxScaler(), model).fit(X, np.arange(300) % 3)
    whole = quantize(pipeline)
    export_c(whole, tmp_path / "a.c")
    export_c(whole[-1], tmp_path / "b.c")
    assert (tmp_path / "a.c").read_bytes() == (tmp_path / "b.c").read_bytes()
