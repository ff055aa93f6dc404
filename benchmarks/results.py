"""Results of a model on sets and seeds, kept in a file: stop and go on at will."""

import json


class Results:
    """Results of a model, in a file with a line for each set and seed.

    Parameters
    ----------
    folder : Path
    name : str
        Of the model, and so of the file.
    compute : callable
        Returns the result, a dict that JSON can hold, of ``(name, data, seed)``.
    """

    def __init__(self, folder, name, compute):
        self.name, self._compute = name, compute
        self.path = folder / f"{name.replace(' ', '_')}.jsonl"
        self.known = {}
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                data, seed, result = json.loads(line)
                self.known[data, seed] = result

    def get(self, data, seed):
        """Return a result, which is computed if it is not known."""
        if (data, seed) not in self.known:
            self.known[data, seed] = result = self._compute(self.name, data, seed)
            with self.path.open("a") as file:
                file.write(json.dumps([data, seed, result]) + "\n")
        return self.known[data, seed]
