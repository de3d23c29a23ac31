"""The hash behind all draws once more, in Python's whole numbers."""

from __future__ import annotations

import hashlib

MOST = 2**64 - 1


def slow_then(bits: int, count: int) -> int:
    """Return SplitMix64's output in Python's whole numbers."""
    x = (bits + (count + 1) * 0x9E3779B97F4A7C15) & MOST
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MOST
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MOST
    return x ^ (x >> 31)


def slow_key(seed: int, *words: str) -> int:
    """Return what numbers for a seed and some names are drawn from."""
    found = slow_then(0, seed)
    for word in words:
        digest = hashlib.sha256(word.encode()).digest()
        found = slow_then(found, int.from_bytes(digest[:8], "little"))
    return found
