"""What quantising costs on MNIST, with the default network."""

from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.quantization import quantization_cost, quantize

N_ROWS = 9000, 9000, 3000, 3000


def test_what_eight_and_four_bits_cost(mnist):
    """Less than 0.3 points, 2 points, and 0.7 points after fine-tuning."""
    X, y, X_test, y_test = (part[:n] for part, n in zip(mnist, N_ROWS, strict=True))
    model = make_pipeline(
        PoissonSpikeEncoder(n_steps=30, random_state=0),
        SpikingClassifier(max_iter=3, random_state=0),
    ).fit(X, y)
    tuned = {"X": X, "y": y, "epochs": 1}
    kinds = {0.003: (8, {}), 0.02: (4, {}), 0.007: (4, tuned)}
    for most, (bits, options) in kinds.items():
        quantized = quantize(model, bits, **options)
        cost = quantization_cost(model, quantized, X_test, y_test)
        assert cost.score > 0.92
        assert cost.cost <= most
        assert cost.agreement > 0.97
