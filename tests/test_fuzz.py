"""Whatever the parameters and the data are, it works or says what is wrong."""

import os
from collections import Counter

from fuzz_cases import CLASSIFIER_CASES, ENCODER_CASES
from fuzz_checks import compare_engines, is_repeatable, run_classifier, run_encoder
from hypothesis import HealthCheck, event, given, settings

# With a number of cases set, each run draws others.
N_CASES = int(os.environ.get("SKLEARN_SNN_FUZZ_CASES", 0))


def fuzz(n_cases, share):
    """Run a test on `n_cases` cases, or on a share of the number that was set."""
    return settings(
        max_examples=max(int(share * N_CASES), 1) if N_CASES else n_cases,
        derandomize=not N_CASES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def test_classifier():
    counts = Counter()

    def count(text):
        event(text)
        counts[text] += 1

    @fuzz(900, 0.8)
    @given(CLASSIFIER_CASES)
    def check(case):
        counts["cases"] += 1
        fits = counts["fit: succeeds"] + counts["partial_fit: succeeds"]
        record = run_classifier(case, count)
        more = counts["fit: succeeds"] + counts["partial_fit: succeeds"]
        counts["cases that fit"] += more > fits
        if is_repeatable(case):
            assert run_classifier(case) == record, "the same bits again"

    check()
    print(dict(counts))
    assert counts["cases"] >= (N_CASES * 0.8 or 900) - 1, "hypothesis gave up early"
    assert 3 * counts["cases that fit"] > counts["cases"], counts


def test_engines_agree():
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


@fuzz(300, 0.1)
@given(ENCODER_CASES)
def test_encoder(case):
    record = run_encoder(case, event)
    if is_repeatable(case):
        assert run_encoder(case) == record, "the same bits again"
