"""``izhi converge``: from a sweep to errors by time step, and the step that is needed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import izhi
from izhi import cli
from izhi.accuracy import command, report
from izhi.accuracy.converge import Options, sample
from izhi.config.compose import compose

FEW = ["circuit=single", "run.engine=numpy", "simulation.duration='120 ms'"]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Give two neuron types by two methods, in three time steps."""
    return izhi.converge(
        ["neuron=fast_spiking,thalamo_cortical", "simulation.method=euler,located_rk4", *FEW],
        halvings=2, progress=False,
    )  # fmt: skip


def test_a_sample_is_spread_over_all_axes_and_is_always_the_same() -> None:
    sweep = compose(["neuron=regular_spiking,chattering,fast_spiking",
                     "simulation.method=euler,rk2",
                     "synapse.U_0=range(0.1,1,0.1)", "stimulus.amplitude=range(4,15)"])  # fmt: skip
    found = sample(sweep, 8)
    assert np.array_equal(found, sample(sweep, 8)) and np.unique(found).size == 8
    neuron, method, release, amplitude = np.unravel_index(found, sweep.shape)
    assert set(method) == {0}
    assert set(neuron) == {0, 1, 2}
    assert np.unique(release).size >= 5 and np.unique(amplitude).size >= 5
    assert sample(sweep, 1000).size == 3 * 9 * 11
    assert sample(compose([]), 8).tolist() == [0]


def test_one_row_for_each_method_point_cell_and_step(frame) -> None:
    assert frame.index.names == ["method", "neuron", "cell", "dt"]
    assert len(frame) == 2 * 2 * 1 * 3
    assert frame.attrs["units"]["dt"] == "s" and frame.attrs["skipped"] == []
    counts = frame.xs("thalamo_cortical", level="neuron")["exact"]
    assert counts.nunique() == 1  # by all methods, in all steps
    row = frame.loc[("euler", "thalamo_cortical", "cell0", 1e-4)]
    assert row["spikes"] < row["exact"] and row["time_error"] > 3e-3


def test_euler_is_of_the_first_order(frame) -> None:
    found = report.summary(frame)
    assert found.loc["euler"]["order"].iloc[1:].tolist() == pytest.approx([1, 1], abs=0.3)
    assert found.loc["euler"]["interval_worst"].iloc[0] > 0.05  # thalamo-cortical: 6 %
    assert (found["trains"] == 2).all()


def test_resets_inside_the_step_are_of_the_fourth_order(frame) -> None:
    found = report.summary(frame).loc["located_rk4"]
    assert found["order"].iloc[-1] > 3
    assert found["interval_worst"].iloc[0] < 1e-4 and found["time_worst"].iloc[-1] < 1e-7
    assert (found["differ"] == 0).all()


def test_noise_and_random_connections_are_met_as_they_were_drawn() -> None:
    frame = izhi.converge(
        ["circuit=excitatory_inhibitory", "circuit.populations.e.count=4",
         "circuit.populations.i.count=2", *(f"circuit.projections.{name}.probability=0.7"
           for name in ("e_to_e", "e_to_i", "i_to_e", "i_to_i")),
         "synapse=static", "synapse.weight='4 mV'",
         "stimulus=noise", "stimulus.mean='9 mV'", "stimulus.interval='0.52 ms'",
         "simulation.dt='0.04 ms'", "simulation.duration='30 ms'", "run.engine=numpy"],
        halvings=1, progress=False,
    )  # fmt: skip
    coarse, fine = (frame["time_error"].xs(dt, level="dt") for dt in (4e-5, 2e-5))
    assert (frame["matched"] > 0).all() and not report.parted(frame).any()
    assert fine.nunique() == 6  # each cell has noise of its own
    assert coarse.max() < 2e-3 and (fine / coarse).median() == pytest.approx(0.5, abs=0.15)


def test_the_step_needed_between_beyond_and_above_those_that_were_run() -> None:
    steps = 1e-4 / 2.0 ** np.arange(4)
    index = pd.MultiIndex.from_product([["a"], ["x", "y"], steps], names=["method", "cell", "dt"])
    errors = np.concatenate([0.01 * (steps / 1e-4) ** 2, 0.001 * steps / 1e-4])
    made = pd.DataFrame({"spikes": 9, "exact": 9, "matched": 9, "interval_error": -errors}, index)
    assert report.step_needed(made, "a", 0.0025) == pytest.approx((5e-5, False))
    assert report.step_needed(made, "a", 0.001)[0] == pytest.approx(1e-4 * 0.1**0.5, rel=1e-6)
    assert report.step_needed(made, "a", 0.02) == pytest.approx((1e-4, False))
    dt, beyond = report.step_needed(made, "a", 1e-5)
    assert beyond and dt == pytest.approx(1e-4 * 0.001**0.5, rel=1e-6)
    made.loc[("a", "x"), "matched"] = 3  # x parts everywhere: what is left is y
    assert report.step_needed(made, "a", 0.00025) == pytest.approx((2.5e-5, False))


def test_the_whole_command(capsys) -> None:
    overrides = ["neuron=fast_spiking,regular_spiking", *FEW]
    assert cli.main(["converge", "-m", *overrides, "converge.points=1", "converge.halvings=1",
                     "converge.accuracy=0.05"]) == 0  # fmt: skip
    out, err = capsys.readouterr()
    head, coarse, fine, empty, last = out.splitlines()
    assert head.split()[:3] == ["method", "dt/ms", "trains"]
    assert coarse.split()[:3] == ["euler", "0.1", "1"] and fine.split()[:3] == [
        "euler",
        "0.05",
        "1",
    ]
    assert empty == "" and last.startswith("euler: intervals to 5 % need dt = ")
    assert last.endswith("hardest: neuron regular_spiking, cell cell0")
    assert "exact spike times of point 1 of 1" in err


def test_points_that_take_too_long_are_left_out_and_named(capsys) -> None:
    arguments = ["converge", "-m", "stimulus.amplitude=8,10", *FEW, "converge.seconds=1e-9"]
    assert cli.main(arguments) == 1
    err = capsys.readouterr().err
    assert "left out: amplitude = 8.0 mV: not within 1e-09 s" in err
    assert err.splitlines()[-1].startswith("error: no point was compared: amplitude = 8.0 mV")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("converge.point=3", "converge.point: no such option; did you mean points?"),
        ("converge.points=many", "converge.points = many: expected a whole number"),
        ("converge.points=0", "converge.points = 0: expected a whole number from 1 on"),
        ("converge.accuracy=-1", "converge.accuracy = -1.0: expected a number greater than 0"),
        ("converge.seconds=nan", "converge.seconds = nan: expected a number greater than 0"),
        ("simulation.dt=0.1,0.05", "simulation.dt: give one value; it is halved again and again"),
        (
            "neuron=source/poisson_train",
            "cell: the threshold draws at random; there are no exact spike times then",
        ),
        ("neuron=chatering", "neuron = chatering: no such neuron; did you mean chattering?"),
    ],
)
def test_wrong_input_is_one_line(given, said, capsys) -> None:
    assert cli.main(["converge", "-m", "circuit=single", given]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {said}"


def test_options_and_overrides_are_told_apart() -> None:
    found, rest = command.options(["-m", "converge.points=3", "neuron=chattering"])
    assert found == Options(points=3)
    assert rest == ["-m", "neuron=chattering"]
