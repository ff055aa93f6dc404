"""Make the files that `recordings.py` and two examples read, of the published data.

    git clone https://github.com/Jakobovski/free-spoken-digit-dataset
    git clone https://github.com/fzenke/spytorch
    python benchmarks/recording_files.py free-spoken-digit-dataset spytorch FOLDER

writes ``FSDD/fsdd_mel.npz`` and ``Braille/braille.npz`` in FOLDER, which
SKLEARN_SNN_DATA may name then; `recordings.py` says what is in them. The data are under
CC BY-SA 4.0 and CC BY 4.0, and so is what is made of them.

The touched letters come as a pickle, which can run any code when it is read: here it
may make arrays and nothing else.
"""

import argparse
import gzip
import pickle
from pathlib import Path

import numpy as np
from scipy.io import wavfile

SAMPLING_RATE = 8000  # Hz
WINDOW, STEP, N_FFT = 256, 80, 512  # samples; 32 ms, 10 ms
N_BANDS, LOWEST, HIGHEST = 32, 50, 3900  # Hz
# Energy below which nothing is heard, and the quantiles that become 0 and 255.
FLOOR, QUANTILES = 1e-6, (0.001, 0.999)


def mel_bands():
    """Return the weights of triangular bands, (n_frequencies, N_BANDS)."""
    mel = 2595 * np.log10(1 + np.array([LOWEST, HIGHEST]) / 700)
    edges = 700 * (10 ** (np.linspace(*mel, N_BANDS + 2) / 2595) - 1)
    frequency = np.fft.rfftfreq(N_FFT, 1 / SAMPLING_RATE)[:, np.newaxis]
    rising = (frequency - edges[:-2]) / np.diff(edges[:-1])
    falling = (edges[2:] - frequency) / np.diff(edges[1:])
    return np.maximum(0, np.minimum(rising, falling))


def log_energies(signal):
    """Return the logarithms of the energies of frames, (n_frames, N_BANDS)."""
    frames = np.lib.stride_tricks.sliding_window_view(signal, WINDOW)[::STEP]
    spectra = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), N_FFT)) ** 2
    return np.log(spectra @ mel_bands() + FLOOR)


def spoken_digits(folder):
    """Return the arrays of the spoken digits, in the order of the names of the files.

    A file is called ``{digit}_{speaker}_{recording}.wav``.
    """
    paths = sorted(folder.glob("recordings/*.wav"))
    if not paths:
        raise SystemExit(f"There is no recordings/*.wav in {folder}.")
    digits, speakers, recordings = zip(
        *(path.stem.split("_") for path in paths), strict=True
    )
    signals = [wavfile.read(path)[1] / 2**15 for path in paths]
    frames = [log_energies(signal) for signal in signals]
    energies = np.concatenate(frames)
    low, high = np.quantile(energies, QUANTILES)
    scaled = (energies - low) * 255 / (high - low)
    return {
        "mel": np.clip(np.rint(scaled), 0, 255).astype(np.uint8),
        "lengths": np.array([len(x) for x in frames]),
        "digit": np.array(digits, dtype=int),
        "speaker": np.unique(speakers, return_inverse=True)[1],
        "recording": np.array(recordings, dtype=int),
    }


class Arrays(pickle.Unpickler):
    """Reads numpy arrays of built-in types, and refuses all else."""

    def find_class(self, module, name):
        """Return what makes an array."""
        if module.startswith("numpy.") and name == "_reconstruct":
            return np.empty(0).__reduce__()[0]
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no part of an array.")


def touched_letters(folder):
    """Return the arrays of the touched letters, in the order of the pickle."""
    path = folder / "notebooks" / "data" / "tutorial5_braille_spiking_data.pkl.gz"
    with gzip.open(path) as file:
        touches = Arrays(file).load()
    taxels = [np.asarray(touch["taxel_data"], np.float32) for touch in touches]
    letters, letter = np.unique(
        [touch["letter"] for touch in touches], return_inverse=True
    )
    return {
        "taxels": np.concatenate(taxels),
        "lengths": np.array([len(x) for x in taxels]),
        "letter": letter,
        "letters": letters,
        "repetition": np.array([touch["repetition"] for touch in touches]),
    }


def main():
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("digits", type=Path, help="free-spoken-digit-dataset")
    parser.add_argument("letters", type=Path, help="spytorch")
    parser.add_argument("folder", type=Path, help="where the files are written")
    args = parser.parse_args()
    files = {
        "FSDD/fsdd_mel.npz": spoken_digits(args.digits),
        "Braille/braille.npz": touched_letters(args.letters),
    }
    for name, arrays in files.items():
        path = args.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **arrays)
        print(f"{path}: {len(arrays['lengths'])} recordings")


if __name__ == "__main__":
    main()
