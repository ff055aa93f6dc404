"""The tables that say what corresponds, as tables of tests.

A table of "Coming from elsewhere" is a table of tests: the left cell of a row is the
name of its test, and the code that both cells hold is what the test runs.
"""

import numpy as np
from pages import DOCS, literals, section, table_rows

PAGE = (DOCS / "coming_from.rst").read_text()
DATA = np.array([[0.0, 0.25, 1.0]])  # intensities


class Rows:
    """The rows of one table, and the test of each."""

    def __init__(self, title):
        self.cells = dict(table_rows(section(PAGE, title))[1:])
        self.tests = {}

    def __call__(self, left):
        """Make a function the test of a row; it takes the literals of both cells."""

        def register(test):
            assert left not in self.tests, left
            self.tests[left] = test
            return test

        return register

    def run(self, left):
        """Run the test of a row; a row without one fails."""
        self.tests[left](literals(left), literals(self.cells[left]))


def arguments(text):
    """Return what stands between the brackets of a call, or in their place, as dict."""
    return eval(f"dict({text})")
