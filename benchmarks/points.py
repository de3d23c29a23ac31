"""The sweep that all contestants run: presets times release probabilities times amplitudes.

Everything else is as izhi's ``conf`` has it: two driven cells onto a third, 1 s in steps of 0.1 ms,
forward Euler. The constants are here so that a contestant needs nothing of izhi's.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

PRESETS = {  # a (1/ms), b, c (mV), d (mV)
    "regular_spiking": (0.02, 0.2, -65.0, 8.0),
    "intrinsically_bursting": (0.02, 0.2, -55.0, 4.0),
    "chattering": (0.02, 0.2, -50.0, 2.0),
    "fast_spiking": (0.1, 0.2, -65.0, 2.0),
    "low_threshold_spiking": (0.02, 0.25, -65.0, 2.0),
    "thalamo_cortical": (0.02, 0.25, -65.0, 0.05),
    "resonator": (0.1, 0.26, -65.0, 2.0),
}
RELEASES = tuple(float(Decimal(tenth) / 10) for tenth in range(1, 10))
FIRST, END = 4, 15  # amplitudes in mV; the last one lies below END

STEPS, DT = 10_000, 0.1  # ms
ONSET = 20.0  # ms
V_TH, V_START = 30.0, -65.0  # mV; u starts at b*V_START
C1, C2, C3 = 0.04, 5.0, 140.0  # 1/mV, 1, mV
TAU_F, TAU_D, TAU_S = 300.0, 500.0, 5.0  # ms
WEIGHT = 8.0  # mV
CELLS = 3
NEURON_STEPS = CELLS * STEPS  # of one point


@dataclass(frozen=True)
class Points:
    """Parameters of points, float64 arrays of one length: a in 1/ms, c, d and amplitude in mV."""

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    c: NDArray[np.float64]
    d: NDArray[np.float64]
    U_0: NDArray[np.float64]
    amplitude: NDArray[np.float64]

    def __len__(self) -> int:
        return self.a.size

    def __getitem__(self, chosen: slice | NDArray[np.int64]) -> Points:
        return Points(*(values[chosen] for values in vars(self).values()))

    def rows(self) -> list[tuple[float, ...]]:
        """Return (a, b, c, d, U_0, amplitude) of each point."""
        return list(zip(*(values.tolist() for values in vars(self).values()), strict=True))

    def si(self) -> NDArray[np.float64]:
        """Return a row per parameter in SI units, with the floats that Brian2's units give."""
        milli = 0.001
        return np.array([
            self.a / milli, self.b, self.c * milli, self.d * milli, self.U_0, self.amplitude * milli
        ])  # fmt: skip


def amplitudes(count: int) -> list[float]:
    """Return so many amplitudes in mV, evenly spaced, as Hydra's ``range`` yields them."""
    step = _step(count)
    return [float(FIRST + number * step) for number in range(count)]


def points(n: int) -> Points:
    """Return the sweep of `n` points, amplitude running fastest.

    Parameters
    ----------
    n
        10, or 63 times a number of amplitudes: 693, 10_080, 100_800, 1_008_000.
    """
    releases: tuple[float, ...]
    if n == 10:
        presets, releases = [PRESETS["regular_spiking"]], (0.5,)
        applied = [float(value) for value in range(4, 14)]
    else:
        presets, releases, applied = list(PRESETS.values()), RELEASES, amplitudes(_count(n))
    shape = (len(presets), len(releases), len(applied))
    preset, release, amplitude = (axis.ravel() for axis in np.indices(shape))
    a, b, c, d = np.array(presets).T
    return Points(
        a[preset], b[preset], c[preset], d[preset],
        np.array(releases)[release], np.array(applied)[amplitude],
    )  # fmt: skip


def sample(sweep: Points, m: int) -> Points:
    """Return `m` points spread evenly over a sweep, for contestants too slow for all of it."""
    if m >= len(sweep):
        return sweep
    return sweep[((np.arange(m) + 0.5) * len(sweep) / m).astype(np.int64)]


def overrides(n: int) -> list[str]:
    """Return the sweep of `n` points as izhi's command line has it."""
    if n == 10:
        return ["neuron=regular_spiking", "synapse.U_0=0.5", "stimulus.amplitude=range(4,14)"]
    return [
        f"neuron={','.join(PRESETS)}",
        "synapse.U_0=range(0.1,1.0,0.1)",
        f"stimulus.amplitude=range({FIRST},{END},{_step(_count(n))})",
    ]


def _count(n: int) -> int:
    count, rest = divmod(n, len(PRESETS) * len(RELEASES))
    if rest or count < 1:
        raise ValueError(f"{n} points: expected 10 or a multiple of 63")
    return count


def _step(count: int) -> Decimal:
    step = Decimal(END - FIRST) / count
    if step * count != END - FIRST:
        raise ValueError(f"{count} amplitudes: their distance has no end as a decimal")
    return step
