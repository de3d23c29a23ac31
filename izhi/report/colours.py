"""The colours of pages and figures: the same for the same thing, and for colour-blind readers too.

Words and lines have the eight colours of M. Okabe and K. Ito, Color universal design (2008), or
greys; nothing is told by its colour alone. Numbers have the colour map cividis: J. R. Nuñez,
C. R. Anderton and R. S. Renslow, PLoS ONE 13:e0199239 (2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

BLACK, ORANGE, SKY, GREEN = "#000000", "#e69f00", "#56b4e9", "#009e73"
YELLOW, BLUE, VERMILION, PURPLE = "#f0e442", "#0072b2", "#d55e00", "#cc79a7"

LINES = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, BLACK)
"""Of lines, cells and populations, in the order in which they come; yellow is too faint."""

NUMBERS = "cividis"
"""The colour map of numbers, by its name in matplotlib and, without regard to case, in plotly."""

NOTHING = "#ffffff"
"""Where there is no result: it is hatched, too."""

POTENTIAL, STIMULUS = BLACK, VERMILION
"""Of the membrane potential, and what goes into a cell."""

REGIMES: Mapping[str, str] = {
    "silent": "#f2f2f2", "single_spike": "#a6a6a6", "tonic": BLUE, "adapting": SKY,
    "bursting": VERMILION, "irregular": YELLOW,
}  # fmt: skip
"""Of firing regimes: greys for hardly a spike, blues for single spikes, red for bursts."""

STATUS: Mapping[str, str] = {
    "done": BLUE, "not run": "#f2f2f2", "failed": BLACK, "diverged": ORANGE
}  # fmt: skip
"""Of what became of a point."""


def words(given: Sequence[str]) -> tuple[str, ...]:
    """Return the colours of words: those of regimes, else one after the other.

    Parameters
    ----------
    given
        The words that a statistic can be, in their order.
    """
    known = {**REGIMES, **STATUS}
    if all(word in known for word in given):
        return tuple(known[word] for word in given)
    return tuple(LINES[n % len(LINES)] for n in range(len(given)))


def letters(given: Sequence[str]) -> tuple[str, ...]:
    """Return a letter for each word, no two the same, to stand beside its colour.

    Parameters
    ----------
    given
        At most 26 words or so; a word's own first letter where it is still free.
    """
    found: list[str] = []
    for word in given:
        own = [letter.upper() for letter in word if letter.isalpha()]
        free = [letter for letter in (*own, *map(chr, range(65, 91))) if letter not in found]
        found.append(free[0])
    return tuple(found)
