"""The pages of the documentation: their code runs, and prints what stands beside it."""

import inspect
import re

import pytest
from helpers import fast
from pages import DOCS, code_blocks
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_snn
from sklearn_snn import inspection, metrics, neurons, quantization

# Those that no test of their own runs, and that need no cluster.
NAMES = sorted(
    path.name
    for path in (*DOCS.glob("*.rst"), *DOCS.glob("*.md"))
    if code_blocks(path.name) and path.stem not in ("coming_from", "distributed")
)
PRINTS = re.compile(r"print\(.*\)  # (about )?(.+)$|^# (about )?([\d.]+.*)$", re.M)


def expected_lines(block):
    """Return what a block says that it prints: (whether about that, text)."""
    return [(bool(match[1]), match[2] or match[4]) for match in PRINTS.finditer(block)]


def assert_printed(block, printed):
    """Check each line that is printed against the comment on it."""
    expected = expected_lines(block)
    assert len(printed) == len(expected), (printed, block)
    for line, (is_about, text) in zip(printed, expected, strict=True):
        if is_about:
            assert float(line) == pytest.approx(float(text), abs=0.02), block
        else:
            assert line == text, block


@pytest.mark.parametrize("engine", ["numpy"], indirect=True)
@pytest.mark.parametrize("name", NAMES)
def test_code_of_a_page(name, engine, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    scope = {}
    for block in code_blocks(name):
        exec(compile(block, name, "exec"), scope)
        assert_printed(block, capsys.readouterr().out.splitlines())


def test_the_pages_with_code():
    assert NAMES == ["deployment.rst", "install.rst", "your_data.rst"]


MODULES = sklearn_snn, inspection, metrics, neurons, quantization
CLASSES = [
    pytest.param(vars(module)[name], id=name)
    for module in MODULES
    for name in module.__all__
    if isinstance(vars(module)[name], type)
]


@pytest.mark.parametrize("owner", CLASSES)
def test_reference_lists_every_public_method(owner):
    page = (DOCS / "api" / f"{owner.__name__}.rst").read_text()
    lines = re.findall(r":members: (.*)", page)
    listed = {name for line in lines for name in line.split(", ")}
    ours = [vars(c) for c in owner.__mro__ if c.__module__.startswith("sklearn_snn")]
    names = {name for scope in ours for name in scope if not name.startswith("_")}
    methods = {n for n in names if inspect.isroutine(getattr(owner, n, None))}
    # Of metadata routing, made and described by scikit-learn.
    routing = {n for n in methods if re.fullmatch(r"set_\w+_request", n)}
    assert methods - routing - listed == set()


def test_one_definition_of_the_exact_gradient():
    """The glossary defines it; other pages link there."""
    words = "with nothing approximated but the derivative of the spike"
    texts = {path.name: " ".join(path.read_text().split()) for path in DOCS.glob("*.*")}
    assert [name for name, text in texts.items() if words in text] == ["glossary.rst"]
    for name in ("index.rst", "coming_from.rst"):
        assert "exact gradient" in texts[name]
        for match in re.finditer(r"exact\w* (gradient|backprop)", texts[name]):
            before = texts[name][: match.start()]
            assert before.endswith((":term:`", "<")), (name, match[0])


@pytest.mark.parametrize("engine", ["numpy"], indirect=True)
def test_where_callbacks_belong(engine):
    """As the README says: a bar outermost, a monitor on the classifier."""
    X, y = load_iris(return_X_y=True)
    grid = {"spikingclassifier__alpha": [0.9, 0.95]}

    def pipeline(callback=None):
        classifier = fast()
        if callback:
            classifier.set_callbacks(callback)
        return make_pipeline(StandardScaler(), classifier)

    def search(model):
        return GridSearchCV(model, grid, cv=2, error_score="raise")

    fast().set_callbacks(ProgressBar()).fit(X, y)
    pipeline().set_callbacks(ProgressBar()).fit(X, y)
    search(pipeline()).set_callbacks(ProgressBar()).fit(X, y)
    inside = [pipeline(ProgressBar()), search(pipeline(ProgressBar()))]
    inside.append(search(pipeline().set_callbacks(ProgressBar())))
    for model in inside:
        with pytest.raises(TypeError, match="auto-propagated callbacks"):
            model.fit(X, y)
    for make in (lambda model: model, search):
        make(pipeline(ScoringMonitor(scoring="accuracy"))).fit(X, y)
