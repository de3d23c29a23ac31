"""Colours that are told apart by all readers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from izhi.report import colours
from izhi.spikes.regimes import REGIMES

# What a reader without one kind of cones sees of linear red, green and blue:
# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, IEEE Trans. Vis. Comput. Graph. 15:1291 (2009).
SIGHT = {
    "trichromacy": np.eye(3),
    "protanopia": np.array([
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]),
    "deuteranopia": np.array([
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]),
    "tritanopia": np.array([
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ]),
}  # fmt: skip


def seen(colour, sight):
    """Return a colour in CIELAB (D65), as it is seen."""
    srgb = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(SIGHT[sight] @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    x, y, z = np.cbrt(np.array(to_xyz) @ linear / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("told", ["LINES", "REGIMES", "STATUS"])
def test_colours_are_told_apart(told, sight):
    given = getattr(colours, told)
    hues = list(given.values()) if isinstance(given, dict) else given
    apart = {
        pair: np.linalg.norm(seen(pair[0], sight) - seen(pair[1], sight))
        for pair in itertools.combinations(hues, 2)
    }
    assert min(apart.values()) > 10, min(apart, key=apart.get)  # 2.3 is just noticeable


def test_each_regime_has_its_colour_and_its_letter():
    assert tuple(colours.REGIMES) == REGIMES
    assert colours.words(REGIMES) == tuple(colours.REGIMES.values())
    assert colours.letters(REGIMES) == ("S", "I", "T", "A", "B", "R")


def test_other_words_have_colours_in_their_order():
    assert colours.words(["up", "down"]) == colours.LINES[:2]
    assert colours.letters(["up", "up2", "u"]) == ("U", "P", "A")
