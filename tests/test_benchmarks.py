"""Scripts that compare and profile, in their smallest form, and what they compute."""

import importlib
import sys
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
pytest.importorskip("numba")


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    """Let scripts be imported as they import each other, and forget them afterwards."""
    before = {*sys.modules}
    monkeypatch.syspath_prepend(FOLDER)
    yield
    for name in {*sys.modules} - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == FOLDER:
            del sys.modules[name]


def run(monkeypatch, name, *arguments):
    script = importlib.import_module(name)
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    script.main()


@pytest.fixture
def small_shapes(monkeypatch):
    """Make all shapes small, and need no files."""
    shapes = importlib.import_module("step_shapes")
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(8, 784)) * (rng.random((8, 784)) < 0.2)
    data = images.astype(np.uint8), rng.integers(10, size=8).astype(str)
    monkeypatch.setattr(shapes, "fetch_mnist", lambda **_: data)
    for name, shape in shapes.SHAPES.items():
        small = shape._replace(n_steps=6, batch=min(shape.batch, 8))
        monkeypatch.setitem(shapes.SHAPES, name, small)
    return shapes.SHAPES


def test_a_profile_has_all_parts(monkeypatch, capsys, tmp_path, small_shapes):
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n<!-- section growth -->\n\nAs it was.\n")
    run(monkeypatch, "profile_step", "--repeats", 2, "--output", page)
    printed = capsys.readouterr().out
    assert printed.count("| part |") == len(small_shapes) == 6
    for part in ("kernel, forward", "kernel, backward", "Adam", "norm and clipping"):
        assert printed.count(f"\n| {part} |") == 6
    assert printed.count("\n| telling what is multiplied |") == 6
    text = page.read_text()
    assert "As it was.\n\n<!-- section profile -->" in text
    # Nothing stays wrapped.
    from sklearn_snn._training.optimizers import Adam

    assert not hasattr(Adam.update, "__wrapped__")


def test_a_part_whose_name_is_gone_is_an_error():
    stopwatch = importlib.import_module("stopwatch").Stopwatch()
    name = "sklearn_snn._training.optimizers"
    parts = {(name, "Adam.update"): "Adam", (name, "Adam.gone"): "gone"}
    gone = pytest.raises(AttributeError, match=r"optimizers has no Adam\.gone any more")
    with gone, stopwatch.watch(parts):
        pass
    optimizers = importlib.import_module(name)
    assert not hasattr(optimizers.Adam.update, "__wrapped__")


def test_a_generator_cannot_be_timed():
    """It would be charged with nothing, and who goes through it with its work."""
    stopwatch = importlib.import_module("stopwatch").Stopwatch()
    parts = {("sklearn_snn._model.synapses", "weight_gradients"): "products"}
    with pytest.raises(TypeError, match="time what it calls"), stopwatch.watch(parts):
        pass


def test_a_part_is_charged_without_those_within(monkeypatch):
    stopwatch = importlib.import_module("stopwatch").Stopwatch()
    clock = iter((0, 1, 3, 4, 7, 10))
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    with stopwatch.part("outer"):
        with stopwatch.part("inner"):  # from 1 to 3
            pass
        with stopwatch.part("inner"):  # from 4 to 7
            pass
    assert stopwatch.seconds == {"inner": 5, "outer": 5}
    assert stopwatch.calls == {"inner": 2, "outer": 1}


def test_what_is_to_be_done_is_counted(small_shapes):
    """An input that fires at half of the steps or more is counted by its silences."""
    shapes = importlib.import_module("step_shapes")
    work = shapes.Work(small_shapes["small"])
    counts = work.counts()
    spikes, rates = np.asarray(work.X), work.X.levels[work.X.rates]
    n_rows = 0
    for i, j in np.argwhere(rates > 0):
        fired = spikes[i, :, j].sum()
        n_rows += fired if rates[i, j] < 0.5 else 1 + 6 - fired
    assert counts.input_rows == n_rows
    assert counts.active == (rates > 0).sum()
    assert counts.draws == 6 * counts.active
    assert counts.hidden_spikes > 0


def test_limits_are_proportional_to_work(monkeypatch, small_shapes):
    limits = importlib.import_module("step_limits")
    for rate in ("operations_rate", "additions_rate", "copy_rate"):
        monkeypatch.setattr(limits, rate, lambda *_: 1.0)
    shape = small_shapes["headline"]._replace(n_steps=2, n_hidden=3, batch=5)
    counts = importlib.import_module("step_shapes").Counts(70, 35, 40, 6)
    found = limits.limits(shape, counts, n_chunks=2)
    neuron_steps = 5 * 2 * 13
    rates = 5 * 784 + 8 * 35  # read, and what of them can fire
    spikes = 2 * 70 + 4 * neuron_steps + 40 * 3 + 6 * 10
    assert found["kernel, forward"] == rates + spikes
    additions = (40 + 35) * 3 + 6 * 10
    products = 5 * 2 * 3 * 10
    assert found["kernel, backward"] == 15 * neuron_steps + products + additions
    n_parameters = 784 * 3 + 3 + 3 * 10 + 10
    assert found["Adam"] == 7 * 4 * n_parameters
    assert found["sum of partial gradients"] == 3 * 4 * n_parameters


def test_what_is_multiplied_is_work_of_the_kernel(monkeypatch, small_shapes):
    """Once ahead and once back: of a table each row, of sequences each step.

    Nothing is packed of the weights that it is multiplied with.
    """
    limits = importlib.import_module("step_limits")
    for rate in ("operations_rate", "additions_rate", "copy_rate"):
        monkeypatch.setattr(limits, rate, lambda *_: 1.0)
    counts = importlib.import_module("step_shapes").Counts
    for kind in ("table", "sequences"):
        shape = small_shapes[kind]
        n_rows = shape.batch * (1 if kind == "table" else shape.n_steps)
        with_products = limits.kernel_work(shape, counts(products=n_rows))
        without = limits.kernel_work(shape, counts())
        for a, b in zip(with_products, without, strict=True):
            n_products = n_rows * shape.n_inputs * shape.n_hidden
            assert a["operations"] - b["operations"] == n_products > 0
        n_packed = shape.n_hidden * 11 + 10
        found = limits.limits(shape, counts(products=n_rows), n_chunks=1)
        assert found["packing the weights"] == 2 * 4 * n_packed


def test_counts_of_callgrind_are_read(tmp_path):
    """Before the first call of a shape is what made it ready."""
    instructions = importlib.import_module("instructions")
    for number, n in enumerate((900, 5, 12, 700, 6, 14), start=1):
        (tmp_path / f"out.{number}").write_text(f"events: Ir\n\ntotals: {n}\n")
    assert instructions.totals(tmp_path, ["row", "table"]) == {
        ("row", "forward"): 5,
        ("row", "step"): 12,
        ("table", "forward"): 6,
        ("table", "step"): 14,
    }


def test_threads_on_paper():
    sections = importlib.import_module("own_sections")
    assert sections.on_paper(1.0, 8.0, 8, 1) == 9.0
    assert sections.on_paper(1.0, 8.0, 8, 4) == 3.0
    assert sections.on_paper(1.0, 8.0, 8, 5) == 3.0  # two chunks in a row, as with 4
    assert sections.on_paper(1.0, 8.0, 8, 16) == 2.0


def test_a_section_of_a_page_is_written_anew(tmp_path):
    page = importlib.import_module("marked_page")
    path = tmp_path / "page.md"
    path.write_text("# Title\n\n<!-- section wide -->\n\n## W\n\nold\n")
    page.write_sections(path, {"wide": ["## W", "", "new", ""], "headline": ["## H"]})
    text = "# Title\n\n<!-- section headline -->\n\n## H\n\n<!-- section wide -->\n\n"
    assert path.read_text() == f"{text}## W\n\nnew\n"
    page.write_sections(path, {"headline": ["## H"]})
    assert path.read_text() == f"{text}## W\n\nnew\n"
    with pytest.raises(ValueError, match="no place for"):
        page.write_sections(path, {"unknown": []})


def test_the_page_has_places_for_all_sections():
    """Those of the page are known, so that each can be measured again."""
    page, compare = map(importlib.import_module, ("marked_page", "compare"))
    text = (FOLDER.parent / "docs" / "benchmarks.md").read_text()
    begin, sections = page.split(text)
    assert page.joined(begin, sections) == text
    assert {*sections} <= {*page.ORDER}
    assert {*page.ORDER} - {*compare.SECTIONS} == {"machine", "profile", "instructions"}


def test_sections_are_measured_and_written(monkeypatch, capsys):
    peers = importlib.import_module("peer_sections")
    monkeypatch.setattr(peers, "GRADED_SHAPES", [(5, 4, 6, 3)])
    options = "--quick", "--turns", 1, "--contestants", "numpy"
    run(monkeypatch, "compare", *options, "--only", "graded", "rows")
    printed = capsys.readouterr().out
    assert "### 4-6-10, 5 steps, batches of 3" in printed
    for name in ("sklearn-snn, numba", "sklearn-snn, numpy", "`predict`"):
        assert printed.count(f"\n| {name} |") == 1
    assert "SpikingJelly" not in printed


def test_a_contestant_that_nobody_is_is_an_error(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, "compare", "--contestants", "pytorch3")
    assert "no contestant has 'pytorch3' in its name" in capsys.readouterr().err


def test_a_quick_run_is_not_for_the_page(monkeypatch, capsys, tmp_path):
    with pytest.raises(SystemExit):
        run(monkeypatch, "compare", "--quick", "--output", tmp_path / "page.md")
    assert "measures nothing" in capsys.readouterr().err


def test_contestants_are_chosen_by_words():
    compare = importlib.import_module("compare")
    names = ["sklearn-snn, numba", "SpikingJelly", "JAX"]
    assert compare.Plan(1).chosen(names) == names
    assert compare.Plan(1).chosen(names, among=names[:2]) == names[:2]
    assert compare.Plan(1, ["JELLY"]).chosen(names) == names[:2]


def test_both_loops_of_torch_have_the_same_gradients():
    """The one has autograd's, the other those of its own backward pass."""
    torch = pytest.importorskip("torch")
    loops = importlib.import_module("torch_loops")
    torch.manual_seed(0)
    x = (torch.rand(20, 4, 30) < 0.3).double()
    nets = []
    for kind in ("plain", "own backward"):
        net, to_counts = loops.make_network(30, 15, kind)
        net.double()
        if nets:
            net.load_state_dict(nets[0][0].state_dict())
        counts = to_counts(x)
        (counts * torch.arange(40.0).view(4, 10)).sum().backward()
        nets.append((net, counts.detach()))
    (plain, counts), (own, same_counts) = nets
    assert counts.sum() > 0
    assert torch.equal(counts, same_counts)
    for expected, found in zip(plain.parameters(), own.parameters(), strict=True):
        assert expected.grad.abs().max() > 0.1
        torch.testing.assert_close(found.grad, expected.grad)


def test_recurrent_loops_of_torch_have_the_same_gradients():
    torch = pytest.importorskip("torch")
    loops = importlib.import_module("torch_loops")
    torch.manual_seed(0)
    currents = 0.3 * torch.rand(20, 4, 15).double()
    weights, by_spike = 0.3 * torch.randn(15, 15).double(), torch.rand(20, 4, 15)
    found = []
    for make in (loops.scripted_recurrent, loops.own_recurrent):
        arrays = [x.clone().requires_grad_() for x in (currents, weights)]
        with warnings.catch_warnings():
            # New versions say that their script will go.
            warnings.simplefilter("ignore", FutureWarning)
            spikes = make()(*arrays, 0.95, 0.6, 5.0)
        (spikes * by_spike).sum().backward()
        found.append([spikes.detach(), *(x.grad for x in arrays)])
    assert 0.1 < found[0][0].mean() < 0.9
    for scripted, own in zip(*found, strict=True):
        assert scripted.abs().max() > 0.1
        torch.testing.assert_close(own, scripted)


def test_spikes_in_bytes_have_the_rates_of_the_image():
    torch = pytest.importorskip("torch")
    loops = importlib.import_module("torch_loops")
    torch.manual_seed(0)
    images = torch.tensor([[0, 64, 128, 255]], dtype=torch.uint8)
    spikes = loops.byte_spikes(images, 9999)
    assert spikes.shape == (9999, 1, 4)
    np.testing.assert_allclose(spikes.mean(dim=(0, 1)), [0, 0.25, 0.5, 1], atol=0.02)


def test_charts_say_what_they_show(tmp_path):
    pytest.importorskip("matplotlib")
    charts = importlib.import_module("charts")
    path = tmp_path / "new" / "bars.svg"
    alt = charts.bars(path, {"JAX": 0.109, "sklearn-snn, numba": 0.0055})
    assert alt == "Milliseconds per batch: sklearn-snn, numba 5.5; JAX 109."
    assert path.read_text().startswith("<?xml")
    alt = charts.dots(tmp_path / "dots.svg", [10, 30], {"A": [0.5, 0.75], "B": [0, 1]})
    assert alt == (
        "Test accuracy after 10, 30 seconds: B 0.00%, 100.00%; A 50.00%, 75.00%."
    )


# Seconds of a step, and how many take as long as threads need to settle.
@pytest.mark.parametrize(("seconds", "n_settling"), [(0.02, 3), (1.0, 1)])
def test_steps_soon_after_a_pause_are_not_counted(seconds, n_settling, monkeypatch):
    workers, calls, now = importlib.import_module("workers"), [], [0.0]

    def step(i):
        calls.append(i)
        now[0] += seconds + i

    batches = [0] * n_settling + [1, 2, 3]
    clock = SimpleNamespace(perf_counter=lambda: now[0])
    monkeypatch.setattr(workers, "time", clock)
    counted = workers.timed_steps(step, ((i,) for i in batches), 2)
    assert calls == batches[:-1]
    np.testing.assert_allclose(counted, [seconds + 1, seconds + 2])
