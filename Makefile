# make demo [DATA=digits|mnist|fashion]   train a spiking network and save it
# make test                               lint, doctests, tests
# make test-adapters                      those of aeon and sktime alone
# make test-lowest                        tests on the lowest versions that are allowed
# make fuzz [CASES=20000]                 random parameters and data, at length
# make docs                             build the documentation: docs/_build/html
# make docs-check                       look at each of its pages in Chromium
# make bench                              compare with other frameworks
# make dist                               build wheel and sdist

PYTHON ?= python3
DATA ?= digits
CASES ?= 20000
# Processes for the tests, which name the slowest of them; environments made at a time.
JOBS ?= 2
PYTEST = --numprocesses=$(JOBS) --dist=worksteal --durations=15
# The oldest Python that is allowed, for the oldest of all else.
LOWEST_PYTHON ?= python3.11
# What is never imported need not be compiled.
PIP_INSTALL = -m pip install --quiet --no-compile --disable-pip-version-check
PIP = .venv/bin/python $(PIP_INSTALL)
EXTRA_digits = .venv/.core
EXTRA_mnist = .venv/.datasets
EXTRA_fashion = .venv/.datasets

.PHONY: demo test test-adapters test-lowest fuzz docs docs-check bench dist clean

# Tests compare with what other machines saved, to the bit: so they multiply matrices as
# these did, whatever vectors the processor has.
test test-lowest fuzz: export OPENBLAS_CORETYPE ?= Haswell
# Tests start many processes, each of which would compile what it imports where nothing
# may be kept: torch takes seconds.
test test-adapters test-lowest fuzz: export PYTHONDONTWRITEBYTECODE =

demo: $(or $(EXTRA_$(DATA)),$(error DATA must be digits, mnist or fashion))
	.venv/bin/python examples/train_images.py --data $(DATA)

# Not all of make at a time, for which `clean test` would be no order.
test:
	$(MAKE) --jobs=$(JOBS) .venv/.test,oracles test-adapters
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/python -m pytest $(PYTEST)

# In an environment of its own, and without compiled code, which is tested elsewhere.
test-adapters: .venv-adapters/.adapters
	NUMBA_DISABLE_JIT=1 .venv-adapters/bin/python -m pytest --durations=5 \
		tests/test_adapters.py sklearn_snn/adapters

# Old versions meet the newest of what they need in turn, which warns of their age.
test-lowest: .venv-lowest/.test
	NUMBA_CACHE_DIR=$(CURDIR)/.venv-lowest/numba PYTEST_ADDOPTS="-W ignore::DeprecationWarning \
		-W ignore::PendingDeprecationWarning -W ignore::FutureWarning" \
		.venv-lowest/bin/python -m pytest $(PYTEST)

# What the cases were is printed in the end.
fuzz: .venv/.test
	SKLEARN_SNN_FUZZ_CASES=$(CASES) .venv/bin/python -m pytest \
		--numprocesses=$(JOBS) --dist=worksteal -rP tests/test_fuzz.py
	SKLEARN_SNN_INTERRUPTIONS=50 .venv/bin/python -m pytest -s tests/test_interruption.py

docs: .venv/.docs
	.venv/bin/python -m sphinx -W --keep-going -b html docs docs/_build/html

docs-check: docs
	.venv/bin/python docs/check_site.py docs/_build/html

bench: .venv/.bench
	.venv/bin/python benchmarks/compare.py --output docs/benchmarks.md
	.venv/bin/python benchmarks/profile_step.py --output docs/benchmarks.md

dist: .venv/.test
	.venv/bin/python -m build

clean:
	rm -rf .venv .venv-adapters .venv-lowest dist build docs/_build docs/auto_guide docs/auto_examples docs/api/backreferences

.venv/bin/python:
	$(PYTHON) -m venv .venv

# One stamp per set of requirements, renewed when these change.
.venv/.core: pyproject.toml | .venv/bin/python
	$(PIP) --editable .
	touch $@

.venv/.%: pyproject.toml | .venv/bin/python
	$(PIP) --editable '.[$*]'
	touch $@

# The pip of the other environment serves this one, which is made sooner without.
.venv-adapters/.adapters: pyproject.toml | .venv/bin/python
	$(PYTHON) -m venv --clear --without-pip .venv-adapters
	PIP_PYTHON=.venv-adapters/bin/python $(PIP) --editable '.[adapters]'
	touch $@

.venv-lowest/.test: pyproject.toml tests/lowest.py
	$(LOWEST_PYTHON) -m venv --clear .venv-lowest
	$(LOWEST_PYTHON) tests/lowest.py test oracles adapters > .venv-lowest/lowest.txt
	.venv-lowest/bin/python $(PIP_INSTALL) --constraint .venv-lowest/lowest.txt \
		--editable '.[test,oracles,adapters]'
	touch $@
