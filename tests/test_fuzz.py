"""Whatever the parameters and the data are, it works or says what is wrong."""

import math
import os
from collections import Counter

import pytest
from fuzz_cases import CLASSIFIER_CASES, ENCODER_CASES
from fuzz_checks import compare_engines, is_repeatable, run_encoder, run_network
from fuzz_neurons import (
    NEURON_CASES,
    REGRESSOR_CASES,
    STEP_CASES,
    STEP_REGRESSOR_CASES,
)
from hypothesis import HealthCheck, event, given, settings

from sklearn_snn import SpikingClassifier, SpikingRegressor

# With a number of cases set, each run draws others.
N_CASES = int(os.environ.get("SKLEARN_SNN_FUZZ_CASES", 0))
# They are cut into parts, which several processes can share.
PARTS = range(8 if N_CASES else 1)
in_parts = pytest.mark.parametrize("part", PARTS)


def n_of_part(n_cases, share):
    """Return `n_cases`, or those of a part of a share of the number that was set."""
    return math.ceil(share * N_CASES / len(PARTS)) if N_CASES else n_cases


def fuzz(n_cases, share):
    """Run a test on so many cases."""
    return settings(
        max_examples=n_of_part(n_cases, share),
        derandomize=not N_CASES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def run_cases(cases, n_cases, share, kind):
    """Run cases twice each, with an estimator of some kind."""
    counts = Counter()

    def count(text):
        event(text)
        counts[text] += 1

    @fuzz(n_cases, share)
    @given(cases)
    def check(case):
        counts["cases"] += 1
        fits = counts["fit: succeeds"] + counts["partial_fit: succeeds"]
        record = run_network(case, count, kind)
        more = counts["fit: succeeds"] + counts["partial_fit: succeeds"]
        counts["cases that fit"] += more > fits
        if is_repeatable(case):
            assert run_network(case, kind=kind) == record, "the same bits again"

    check()
    print(dict(counts))
    assert counts["cases"] >= n_of_part(n_cases, share) - 1, "hypothesis gave up early"
    assert 3 * counts["cases that fit"] > counts["cases"], counts


@in_parts
def test_classifier(part):
    run_cases(CLASSIFIER_CASES, 350, 0.5, SpikingClassifier)


@in_parts
def test_neurons_and_labels(part):
    """With one engine: that both agree on any neuron is tested elsewhere."""
    run_cases(NEURON_CASES, 250, 0.2, SpikingClassifier)


@in_parts
def test_regressor(part):
    run_cases(REGRESSOR_CASES, 250, 0.1, SpikingRegressor)


@in_parts
def test_targets_of_steps(part):
    run_cases(STEP_CASES, 100, 0.1, SpikingClassifier)
    run_cases(STEP_REGRESSOR_CASES, 50, 0.1, SpikingRegressor)


@in_parts
def test_engines_agree(part):
    """Of what weights come to, whoever made them and whatever they are asked."""
    counts = Counter()

    def count(text):
        event(text)
        counts[text] += 1

    @fuzz(150, 0.1)
    @given(CLASSIFIER_CASES)
    def check(case):
        compare_engines(case, count)

    check()
    print(dict(counts))
    assert 3 * counts["gradients: finite"] > counts["fit: succeeds"] > 0, counts


@in_parts
def test_encoder(part):
    @fuzz(300, 0.1)
    @given(ENCODER_CASES)
    def check(case):
        record = run_encoder(case, event)
        if is_repeatable(case):
            assert run_encoder(case) == record, "the same bits again"

    check()
