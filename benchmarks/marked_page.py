"""The page of benchmarks: sections between marks, each of which can be written anew."""

# In the order of the page.
ORDER = (
    *("machine", "headline", "wide", "predict", "small", "graded", "recurrent"),
    *("equal-time", "epochs", "rows", "growth", "threads", "profile", "instructions"),
)


def mark(name):
    """Return the line before a section, which readers do not see."""
    return f"<!-- section {name} -->"


def split(text):
    """Return what stands before all sections, and the sections by name."""
    begin, *parts = text.split("<!-- section ")
    sections = {}
    for part in parts:
        name, _, section = part.partition(" -->\n")
        sections[name] = section.strip("\n")
    return begin.strip("\n"), sections


def joined(begin, sections):
    """Return the text of a page; sections come in their order.

    Parameters
    ----------
    begin : str
    sections : dict of str

    Returns
    -------
    text : str
    """
    if unknown := sections.keys() - set(ORDER):
        raise ValueError(f"ORDER has no place for {sorted(unknown)}")
    parts = [f"{mark(n)}\n\n{sections[n].strip()}" for n in ORDER if n in sections]
    return "\n\n".join([begin, *parts]) + "\n"


def write_sections(path, new):
    """Write sections of a page, and leave all others as they are.

    Parameters
    ----------
    path : Path
    new : dict of list of str
        Lines of each section.
    """
    begin, sections = split(path.read_text())
    sections |= {name: "\n".join(lines) for name, lines in new.items()}
    path.write_text(joined(begin, sections))
