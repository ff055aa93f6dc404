# make demo [DATA=digits|mnist|fashion]   train a spiking network and save it
# make test                               lint, doctests, tests
# make fuzz [CASES=20000]                 random parameters and data, at length
# make docs                             build the documentation: docs/_build/html
# make docs-check                       look at each of its pages in Chromium
# make bench                              compare with other frameworks
# make dist                               build wheel and sdist

PYTHON ?= python3
DATA ?= digits
CASES ?= 20000
PIP = .venv/bin/python -m pip install --quiet --disable-pip-version-check
EXTRA_digits = .venv/.core
EXTRA_mnist = .venv/.datasets
EXTRA_fashion = .venv/.datasets

.PHONY: demo test fuzz docs docs-check bench dist clean

demo: $(or $(EXTRA_$(DATA)),$(error DATA must be digits, mnist or fashion))
	.venv/bin/python examples/train_images.py --data $(DATA)

test: .venv/.test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/python -m pytest

fuzz: .venv/.test
	SKLEARN_SNN_FUZZ_CASES=$(CASES) .venv/bin/python -m pytest -s tests/test_fuzz.py
	SKLEARN_SNN_INTERRUPTIONS=50 .venv/bin/python -m pytest -s tests/test_interruption.py

docs: .venv/.docs
	.venv/bin/python -m sphinx -W --keep-going -b html docs docs/_build/html

docs-check: docs
	.venv/bin/python docs/check_site.py docs/_build/html

bench: .venv/.bench
	.venv/bin/python benchmarks/compare.py --output docs/benchmarks.md

dist: .venv/.test
	.venv/bin/python -m build

clean:
	rm -rf .venv dist build docs/_build docs/auto_guide docs/auto_examples docs/api/backreferences

.venv/bin/python:
	$(PYTHON) -m venv .venv

# One stamp per set of requirements, renewed when these change.
.venv/.core: pyproject.toml | .venv/bin/python
	$(PIP) --editable .
	touch $@

.venv/.%: pyproject.toml | .venv/bin/python
	$(PIP) --editable '.[$*]'
	touch $@
