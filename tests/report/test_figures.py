"""Figures: what is in them, and that they can be read; the command that writes them."""

from __future__ import annotations

import itertools
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

import izhi
from izhi import cli
from izhi.config.compose import compose
from izhi.report import colours, figures
from izhi.report.figures import cells, places, plane, style

SHORT = ["simulation.duration='50 ms'", "run.engine=numpy", "run.n_jobs=1"]
AXES = ["neuron=chattering,low_threshold_spiking", "stimulus.amplitude=4,10,14",
        "synapse.U_0=0.2,0.6"]  # fmt: skip
ONE = {"neuron": "chattering", "U_0": 0.2, "amplitude": 10}
TYPES = ("regular_spiking", "intrinsically_bursting", "chattering", "fast_spiking",
         "thalamo_cortical", "resonator", "low_threshold_spiking")  # fmt: skip


@pytest.fixture(scope="module")
def study(run):
    return run(*AXES, *SHORT, "record.traces={neuron: chattering}")


@pytest.fixture(scope="module")
def types(run):
    """Give a study of all seven types, whose names are long."""
    names = f"neuron={','.join(TYPES)}"
    amplitudes = "stimulus.amplitude=range(2,12,1)"
    return run(names, amplitudes, "circuit=single", *SHORT, "record.traces=all")


def size(figure):
    return 25.4 * figure.get_size_inches()


def drawn(figure):
    """Return a figure's renderer after all has found its place."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas.get_renderer()


def overlapping(figure):
    """Return pairs of texts that lie over each other, and texts that lie over data or outside."""
    renderer = drawn(figure)
    hidden = _hidden(figure)
    texts = [text for text in figure.findobj(Text)
             if text.get_visible() and text.get_text().strip() and text not in hidden]  # fmt: skip
    boxes = {text: text.get_window_extent(renderer) for text in texts}
    found = [(a.get_text(), b.get_text()) for a, b in itertools.combinations(boxes, 2)
             if not a.get_rotation() % 90 and not b.get_rotation() % 90
             and _over(boxes[a], boxes[b])]  # fmt: skip
    whole = figure.bbox
    found += [(text.get_text(), "border") for text, box in boxes.items()
              if box.x0 < whole.x0 - 1 or box.x1 > whole.x1 + 1
              or box.y0 < whole.y0 - 1 or box.y1 > whole.y1 + 1]  # fmt: skip
    for legend in figure.legends:
        box = legend.get_window_extent(renderer)
        found += [("legend", "data") for axes in figure.axes
                  if _over(box, axes.get_window_extent(renderer))]  # fmt: skip
    return found


def _hidden(figure):
    """Return texts that are there but not drawn: of ticks outside of the limits, of no axes."""
    found = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.majorTicks:
                if not low <= tick.get_loc() <= high or not axes.axison:
                    found |= {tick.label1, tick.label2}
            if not axes.axison:
                found.add(axis.label)
    return found


def _over(a, b, touch=0.5):
    return (min(a.x1, b.x1) - max(a.x0, b.x0) > touch
            and min(a.y1, b.y1) - max(a.y0, b.y0) > touch)  # fmt: skip


# ---------------------------------------------------------------- trace


def test_a_trace_is_voltage_above_input_with_the_type_as_title(study):
    figure = figures.trace(study, **ONE)
    upper, lower = figure.axes
    assert figure.get_suptitle() == "chattering"
    assert upper.get_title() == "pre0, amplitude = 10 mV, U_0 = 0.2"
    assert (upper.get_ylabel(), lower.get_ylabel()) == ("voltage (mV)", "input (mV)")
    assert lower.get_xlabel() == "time (ms)"
    assert lower.get_xlim() == (0, 50) == upper.get_xlim()
    t, v = upper.lines[0].get_data()
    spikes = study.spike_times("pre0", **ONE)
    (peaks,) = np.nonzero(v == 30)
    assert len(spikes) > 2 and t[peaks] == pytest.approx(1e3 * spikes + 0.1)
    trace = study.traces.sel(cell="pre0").isel(trace=2)
    assert trace["amplitude"] == 10 and trace["U_0"] == 0.2
    assert np.delete(v, peaks) == pytest.approx(1e3 * trace["v"].values)
    assert np.delete(t, peaks) == pytest.approx(1e3 * trace["time"].values)
    t, current = lower.lines[0].get_data()
    assert current == pytest.approx(np.where(t < 20 - 1e-6, 0, 10))


def test_what_was_not_stored_is_simulated_again(study):
    sweep = compose([*AXES, *SHORT])
    for point in (ONE, {**ONE, "neuron": "low_threshold_spiking"}):
        again = figures.trace(sweep, cell="post0", **point).axes[0].lines[0].get_xydata()
        stored = figures.trace(study, cell="post0", **point).axes[0].lines[0].get_xydata()
        assert np.array_equal(again, stored)
    spikes = study.spike_times("post0", **ONE)
    assert len(spikes) and (stored[:, 1] == 30).sum() == len(
        study.spike_times("post0", **{**ONE, "neuron": "low_threshold_spiking"})
    )


def test_spikes_that_are_located_are_drawn_where_they_are():
    overrides = ["neuron=fast_spiking", "circuit=single", *SHORT,
                 "simulation.method=located_rk4", "simulation.dt='0.5 ms'"]  # fmt: skip
    (cell,) = cells.of(compose(overrides), [], None)
    t, v = izhi.plot(overrides).axes[0].lines[0].get_data()
    assert cell.delay == 0 and len(cell.spikes) > 3
    assert t[v == 30] == pytest.approx(1e3 * cell.spikes, abs=1e-9)
    assert (np.diff(t) >= 0).all()


@pytest.fixture(scope="module")
def adex():
    """Give a cell of a model with other equations and units, which spikes."""
    (cell,) = cells.of(compose([
        "neuron=integrate_and_fire/adaptive_exponential", "stimulus=step_current", "synapse=none",
        "stimulus.amplitude='1 nA'", "circuit=single", *SHORT,
    ]), [], None)  # fmt: skip
    return cell


def test_a_threshold_may_be_an_expression(adex):
    assert len(adex.spikes) and adex.peaks() == pytest.approx(-50.4e-3 + 5 * 2e-3)


# ---------------------------------------------------------------- phase


def of_type(types, neuron):
    """Return the plane of a neuron type at 10 mV."""
    chosen = places.of(places.sweep_of(types), {"neuron": neuron, "amplitude": 10})
    (cell,) = cells.of(types, chosen, None)
    return plane.Plane.of(cell)


@pytest.mark.parametrize(("neuron", "b", "inputs"), [
    ("chattering", 0.2, (-2, 0, 3.9, 4.1)), ("resonator", 0.26, (-1, 0, 0.38, 0.45)),
])  # fmt: skip
def test_fixed_points_are_those_of_the_quadratic(neuron, b, inputs, types):
    """0.04 v^2 + (5 - b) v + 140 + I = 0, u = b v: two, or none."""
    at = of_type(types, neuron)
    for current in inputs:
        root = np.emath.sqrt((5 - b) ** 2 - 0.16 * (140 + current))
        expected = [] if root.imag else [(-(5 - b) - root) / 0.08, (-(5 - b) + root) / 0.08]
        found = at.fixed_points(1e-3 * current)
        assert [1e3 * point.x for point in found] == pytest.approx(expected, abs=1e-7)
        assert [point.y for point in found] == pytest.approx([b * p.x for p in found], abs=1e-10)


@pytest.mark.parametrize(("neuron", "current", "expected"), [
    ("chattering", 0.0, ["stable node", "saddle"]),
    ("resonator", 0.0, ["stable focus", "saddle"]),
    ("resonator", 0.38, ["unstable focus", "saddle"]),
    ("resonator", 0.45, []),
])  # fmt: skip
def test_fixed_points_are_of_the_kind_that_eigenvalues_tell(neuron, current, expected, types):
    """Jacobian ((0.08 v + 5, -1), (a b, -a)) in 1/ms, by hand."""
    at = of_type(types, neuron)
    a, b = 1e-3 * at.shown.values["a"], at.shown.values["b"]
    found = at.fixed_points(1e-3 * current)
    for point in found:
        own = np.linalg.eigvals([[80 * point.x + 5, -1], [a * b, -a]])
        stable = {"stable": own.real.max() < 0, "unstable": own.real.min() > 0,
                  "saddle": own.real.min() < 0 < own.real.max()}  # fmt: skip
        assert stable[point.kind.split()[0]]
        assert ("focus" in point.kind) == (abs(own.imag).max() > 0)
    assert [point.kind for point in found] == expected


@pytest.mark.parametrize(("matrix", "expected"), [
    ([[-1, 0], [0, -2]], "stable node"), ([[1, 0], [0, 2]], "unstable node"),
    ([[-1, 5], [-5, -1]], "stable focus"), ([[1, 5], [-5, 1]], "unstable focus"),
    ([[0, 2], [-2, 0]], "centre"), ([[1, 0], [0, -1]], "saddle"),
])  # fmt: skip
def test_kinds_of_fixed_points(matrix, expected):
    assert plane.kind(np.array(matrix, float)) == expected


def test_nullclines_satisfy_the_equations(types):
    at = of_type(types, "chattering")
    (line,) = at.nullcline("v", 4e-3)
    v, u = 1e3 * line.T
    assert len(v) > 200 and u == pytest.approx(0.04 * v**2 + 5 * v + 144, abs=1e-7)
    (line,) = at.nullcline("u", 4e-3)
    assert line[:, 1] == pytest.approx(0.2 * line[:, 0], abs=1e-10)


def test_nullclines_of_a_model_in_other_units(adex):
    """AdEx: w = g_L (E_L - v) + g_L delta_T exp((v - v_T)/delta_T) + I, and w = a (v - E_L)."""
    at = plane.Plane.of(adex)
    assert (at.x, at.y) == ("v", "w")
    v, w = at.nullcline("v", 1e-10)[0].T
    spike = 30e-9 * 2e-3 * np.exp((v + 50.4e-3) / 2e-3)
    assert w == pytest.approx(30e-9 * (-70.6e-3 - v) + spike + 1e-10, abs=1e-16)
    resting, threshold = at.fixed_points(0)
    assert resting.x == pytest.approx(-70.6e-3, abs=1e-5) and resting.kind.startswith("stable")
    assert threshold.kind == "saddle"
    for point in (resting, threshold):
        assert point.y == pytest.approx(4e-9 * (point.x + 70.6e-3), abs=1e-15)


def test_a_phase_plane_shows_both_inputs_points_and_the_way(study):
    figure = figures.phase(study, **ONE)
    (axes,) = figure.axes
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told == ["dv/dt = 0 at I = 0 mV", "dv/dt = 0 at I = 10 mV", "du/dt = 0", "stable node",
                    "saddle", "trajectory", "reset"]  # fmt: skip
    assert (axes.get_xlabel(), axes.get_ylabel()) == (
        "membrane potential v (mV)", "recovery variable u (mV)")  # fmt: skip
    resets = [line.get_xydata() for line in axes.lines if line.get_linestyle() == ":"]
    assert len(resets) == len(study.spike_times("pre0", **ONE))
    for (v, u), (c, after) in resets:
        assert (v, c) == (30, -50) and after - u == pytest.approx(2, abs=0.05)  # d = 2 mV
    assert not overlapping(figure)


def test_a_phase_plane_at_an_input(study):
    figure = figures.phase(study, input="1 mV", **ONE)
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told[:2] == ["dv/dt = 0 at I = 1 mV", "du/dt = 0"]


# ---------------------------------------------------------------- raster


def test_a_raster_of_a_point_has_a_row_for_each_cell(study):
    (axes,) = figures.raster(study, **ONE).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["pre0", "pre1", "post0"]
    assert axes.get_title() == "neuron = chattering, amplitude = 10 mV, U_0 = 0.2"
    for row, (line, cell) in enumerate(zip(axes.lines, ("pre0", "pre1", "post0"), strict=True)):
        t, y = line.get_data()
        assert t == pytest.approx(1e3 * study.spike_times(cell, **ONE)) and (y == row).all()
    assert axes.lines[0].get_color() == axes.lines[1].get_color() != axes.lines[2].get_color()


def test_a_raster_along_an_axis_has_a_row_for_each_value(study):
    (axes,) = figures.raster(study, cell="post0", y="amplitude", neuron="chattering", U_0=0.6).axes
    assert axes.get_ylabel() == "amplitude (mV)"
    assert axes.get_title() == "post0, neuron = chattering, U_0 = 0.6"
    for line, amplitude in zip(axes.lines, (4, 10, 14), strict=True):
        point = {**ONE, "U_0": 0.6, "amplitude": amplitude}
        assert line.get_xdata() == pytest.approx(1e3 * study.spike_times("post0", **point))


def test_of_many_rows_some_are_named(run):
    many = run("neuron=chattering", "stimulus.amplitude=range(0,20.5,0.25)", "circuit=single",
               *SHORT)  # fmt: skip
    figure = figures.raster(many, y="amplitude")
    (axes,) = figure.axes
    named = {int(at): text.get_text() for at, text in zip(axes.get_yticks(), axes.get_yticklabels(),
                                                          strict=True)}  # fmt: skip
    values = many.dataset["amplitude"].values
    assert len(axes.lines) == len(values) and len(named) == 6
    assert all(float(name) == values[at] for at, name in named.items())
    assert axes.get_ylabel() == "amplitude (mV)" and not overlapping(figure)


# ---------------------------------------------------------------- heatmap


def test_a_heatmap_is_the_statistic(study):
    figure = figures.heatmap(study, neuron="chattering", cell="pre0")
    axes, bar = figure.axes
    (mesh,) = axes.collections
    expected = study.dataset.firing_rate.sel(neuron="chattering", cell="pre0")
    assert np.array_equal(mesh.get_array(), expected.transpose("amplitude", "U_0").values)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("U_0", "amplitude (mV)")
    assert bar.get_ylabel() == "mean firing rate (Hz)"
    assert axes.get_title() == "pre0, neuron = chattering"
    edges = np.asarray(mesh.get_coordinates())
    assert edges[0, :, 0] == pytest.approx([0, 0.4, 0.8])
    assert edges[:, 0, 1] == pytest.approx([1, 7, 12, 16])
    assert mesh.get_cmap().name == colours.NUMBERS


def test_words_have_a_colour_a_letter_and_a_legend(types):
    figure = figures.heatmap(types, of="regime")
    (axes,) = figure.axes
    (mesh,) = axes.collections
    found = types.dataset["regime"].isel(cell=0).transpose("neuron", "amplitude").values
    seen = [tuple(np.round(255 * c).astype(int)) for c in mesh.to_rgba(mesh.get_array()).reshape(
        -1, 4)[:, :3]]  # fmt: skip
    hues = [tuple(bytes.fromhex(hue[1:])) for hue in colours.REGIMES.values()]
    assert seen == [hues[n] for n in found.ravel()]
    letters = colours.letters(list(colours.REGIMES))
    assert [text.get_text() for text in axes.texts] == [letters[n] for n in found.ravel()]
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told[:2] == ["S  silent", "I  single spike"]
    assert [t.get_text() for t in axes.get_yticklabels()] == [
        label.replace("_", " ") for label in TYPES]  # fmt: skip
    assert not overlapping(figure)


@pytest.mark.parametrize("width", [1, pytest.param(2, marks=pytest.mark.soak)])
def test_long_names_stand_beside_each_other(types, width):
    on_x = figures.heatmap(types, x="neuron", y="amplitude", width=width)
    assert not overlapping(on_x)
    labels = on_x.axes[0].get_xticklabels()
    assert all(label.get_rotation() == 40 for label in labels)
    for figure in (
        figures.heatmap(types, x="amplitude", width=width),
        figures.fi(types, width=width),
        figures.raster(types, y="neuron", amplitude=5, width=width),
        figures.trace(types, neuron="intrinsically_bursting", amplitude=5, width=width),
        figures.phase(types, neuron="intrinsically_bursting", amplitude=5, width=width),
        figures.gallery(types, amplitude=5, width=width),
    ):
        assert not overlapping(figure)
        assert size(figure)[0] == pytest.approx(style.WIDTHS[width])


def test_points_without_results_are_hatched_and_diverged_ones_crossed(study):
    dataset = study.dataset.load().copy(deep=True)
    dataset["status"][{"neuron": 0, "amplitude": 1, "U_0": 0}] = 2
    dataset["status"][{"neuron": 0, "amplitude": 2, "U_0": 1}] = 3

    class Marred:
        axes = study.axes

    Marred.dataset = dataset
    (axes, _) = figures.heatmap(Marred, neuron="chattering").axes
    values = axes.collections[0].get_array()
    assert np.argwhere(np.ma.getmaskarray(np.ma.masked_invalid(values))).tolist() == [[1, 0]]
    assert axes.patch.get_hatch()
    assert axes.lines[0].get_xydata().tolist() == [[0.6, 14]]


def test_a_full_map_of_counts_has_no_hatching_behind_it_and_whole_numbers_beside_it(study):
    (axes, bar) = figures.heatmap(study, of="spike_count", neuron="chattering").axes
    assert not axes.patch.get_hatch()  # its lines would show at the edges
    assert all(tick == round(tick) for tick in bar.get_yticks())


# ---------------------------------------------------------------- fi


def test_f_i_curves_are_the_statistic_and_differ_without_colour(types):
    figure = figures.fi(types)
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("amplitude (mV)", "mean firing rate (Hz)")
    for name, line in zip(TYPES, axes.lines, strict=True):
        expected = types.dataset.firing_rate.sel(neuron=name, cell="cell0")
        assert np.array_equal(line.get_xdata(), types.dataset["amplitude"])
        assert np.array_equal(line.get_ydata(), expected)
        assert line.get_label() == name.replace("_", " ")
    looks = {(line.get_marker(), line.get_linestyle()) for line in axes.lines}
    assert len(looks) == len({line.get_color() for line in axes.lines}) == len(TYPES)


@pytest.mark.parametrize(("kind", "options", "said"), [
    ("fi", {"of": 3}, "of = 3: no such statistic"),
    ("trace", {"cell": 0, "neuron": "chattering", "U_0": 0.2, "amplitude": 4}, "cell = 0: no such"),
    ("fi", {"width": "2", "neuron": "chattering", "U_0": 0.2}, "width = 2: expected 1, 1.5 or 2"),
])  # fmt: skip
def test_what_is_no_text_or_no_number_is_said(kind, options, said, study):
    with pytest.raises(izhi.IzhiError, match=said):
        izhi.plot(study, kind, **options)


def test_points_of_a_curve_that_diverged_have_a_cross(study):
    dataset = study.dataset.load().copy(deep=True)
    dataset["status"][{"neuron": 0, "amplitude": 2, "U_0": 1}] = 3

    class Marred:
        axes = study.axes

    Marred.dataset = dataset
    (axes,) = figures.fi(Marred, neuron="chattering").axes
    (cross,) = [line for line in axes.lines if line.get_label() == "_diverged"]
    rate = dataset.firing_rate.isel(neuron=0, amplitude=2, U_0=1, cell=0).item()
    assert cross.get_xydata().tolist() == [[14, rate]]


def test_lines_may_be_values_with_a_unit_and_few_of_them(types):
    figure = figures.fi(types, x="amplitude", neuron=["chattering", "resonator"])
    assert len(figure.axes[0].lines) == 2
    (axes,) = figures.fi(types, neuron="chattering").axes
    assert len(axes.lines) == 1 and axes.get_title() == "neuron = chattering"


def test_a_statistic_of_a_projection_is_drawn(study):
    figure = figures.fi(study, of="release_mean", neuron="chattering", x="amplitude",
                        projection="pre_to_post.pre1")  # fmt: skip
    (axes,) = figure.axes
    assert axes.get_title() == "pre_to_post.pre1, neuron = chattering"
    assert [line.get_label() for line in axes.lines] == ["0.2", "0.6"]
    assert figure.legends[0].get_title().get_text() == "U_0"


# ---------------------------------------------------------------- gallery


def test_a_gallery_has_the_types_in_the_order_of_the_paper(types):
    figure = figures.gallery(types, amplitude=10)
    titles = [axes.get_title() for axes in figure.axes[::2]]
    assert titles == [name.replace("_", " ") for name in TYPES]
    for axes, name in zip(figure.axes[::2], TYPES, strict=True):
        v = axes.lines[0].get_ydata()
        assert (v == 30).sum() == types.dataset.spike_count.sel(
            neuron=name, amplitude=10, cell="cell0")  # fmt: skip


def test_a_gallery_of_numbers_tells_them(types):
    figure = figures.gallery(types, neuron="chattering")
    assert [axes.get_title() for axes in figure.axes[::2]][:2] == [
        "amplitude = 2 mV", "amplitude = 3 mV"]  # fmt: skip


# ---------------------------------------------------------------- files and style


def png_size(data):
    """Return width and height of a PNG whose parts are all whole."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, kinds = 8, []
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(
            kind + body)  # fmt: skip
        kinds.append(kind)
        at += 12 + length
    assert kinds[0] == b"IHDR" and kinds[-1] == b"IEND" and b"tIME" not in kinds
    return struct.unpack(">II", data[16:24])


def test_files_are_of_the_size_asked_for_and_the_same_each_time(study, tmp_path, capsys):
    words = [str(study.path), "neuron=chattering", "U_0=0.2", "amplitude=10 mV", "--kind", "raster",
             "--width", "1.5"]  # fmt: skip
    wide = 114
    for kind in style.FORMATS:
        path = tmp_path / f"figure.{kind}"
        contents = set()
        for _ in range(2):
            assert cli.main(["plot", *words, "-o", str(path)]) == 0
            contents.add(path.read_bytes())
        assert capsys.readouterr().out == f"{path}\n" * 2
        (data,) = contents
        if kind == "png":
            assert png_size(data)[0] == pytest.approx(wide / 25.4 * 300, abs=1)
        elif kind == "pdf":
            box = re.search(rb"/MediaBox \[ ?([\d. ]+) ?\]", data)
            assert float(box[1].split()[2]) == pytest.approx(wide / 25.4 * 72, abs=0.01)
            assert data.startswith(b"%PDF") and b"/CIDFontType2" in data and b"Date" not in data
        else:
            text = data.decode()
            across = float(re.search(r'width="([\d.]+)pt"', text)[1])
            assert across == pytest.approx(wide / 25.4 * 72, abs=0.01)
            assert re.search(r"<text [^>]*>time \(ms\)</text>", text) and "dc:date" not in text
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "figure.pdf", "figure.png", "figure.svg"]  # fmt: skip


def test_a_notebook_s_settings_stay_as_they_are(study):
    script = f"""
import matplotlib, izhi
matplotlib.rcParams["font.size"] = 20
before = dict(matplotlib.rcParams)
figure = izhi.plot({str(study.path)!r}, "raster", neuron="chattering", U_0=0.2, amplitude=10)
assert figure._repr_png_()[:4] == b"\\x89PNG"
assert figure.axes[0].xaxis.label.get_size() == 8
changed = [k for k, v in before.items() if matplotlib.rcParams[k] != v]
assert not changed, changed
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_help_needs_no_matplotlib(tmp_path):
    script = """
import sys
sys.modules["matplotlib"] = None
from izhi import cli
assert cli.main(["plot", "--help"]) == 0
assert cli.main(["plot", "neuron=chattering"]) == 2
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True,
                          text=True, cwd=tmp_path)  # fmt: skip
    assert done.stderr == (
        "error: plot: matplotlib is not installed; pip install 'izhi[plot]' gets it\n"
    )
    assert "trace     membrane potential above input" in done.stdout


# ---------------------------------------------------------------- the command line


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_picture_of_the_thread(here, capsys):
    assert cli.main(["plot", "neuron=chattering,resonator", "circuit=single", *SHORT]) == 0
    assert capsys.readouterr().out.split() == ["izhi_chattering.png", "izhi_resonator.png"]
    files = sorted(path.name for path in here.iterdir())
    assert files == ["izhi_chattering.png", "izhi_resonator.png"]


@pytest.mark.parametrize(("kind", "overrides"), [
    ("trace", ["neuron=chattering"]), ("raster", ["neuron=chattering"]),
    ("heatmap", ["neuron=chattering,resonator", "stimulus.amplitude=4,8"]),
    ("fi", ["neuron=chattering", "stimulus.amplitude=4,8"]), ("phase", ["neuron=chattering"]),
    ("gallery", ["neuron=chattering,resonator"]),
])  # fmt: skip
def test_a_run_that_is_made_for_a_figure_leaves_nothing(kind, overrides, here, monkeypatch, capsys):
    (here / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(here / "tmp"))
    words = [*overrides, *SHORT, "--kind", kind, "-m", "-o", f"{kind}.svg"]
    assert cli.main(["plot", *words]) == 0
    assert capsys.readouterr().out == f"{kind}.svg\n"
    assert {path.name for path in here.iterdir()} == {f"{kind}.svg", "tmp"}
    assert not list((here / "tmp").iterdir())


def test_a_file_that_is_there_is_replaced(here):
    (here / "a.png").write_text("old")
    assert cli.main(["plot", *SHORT, "-o", "a.png"]) == 0
    assert png_size((here / "a.png").read_bytes())


MISTAKES = [
    ("--kind trase", "kind = trase: no such kind; did you mean trace?"),
    ("--cell pots0 neuron=chattering U_0=0.2 amplitude=4",
     "cell = pots0: no such cell; did you mean post0?"),
    ("--cell pots0 --kind fi neuron=chattering",
     "cell = pots0: no such cell; did you mean post0?"),
    ("--kind fi --of firing_rat", "of = firing_rat: no such statistic; did you mean firing_rate?"),
    ("--kind fi --x neuron U_0=0.2", "x = neuron: its values are no numbers"),
    ("--kind fi --x amplitud U_0=0.2", "x = amplitud: no such axis; did you mean amplitude?"),
    ("--kind fi --of regime U_0=0.2",
     "of = regime: its values are words; --kind heatmap draws them"),
    ("--kind fi amplitude=4 U_0=0.2",
     "fi: needs an axis with several numbers; neuron is swept"),
    ("--kind fi", "neuron: say which of its 2 values is meant, as in neuron=chattering"),
    ("--kind heatmap", "neuron: say which of its 2 values is meant, as in neuron=chattering"),
    ("--kind heatmap --x U_0 --y U_0", "y = U_0: x is the same axis"),
    ("--kind heatmap amplitude=4 U_0=0.2",
     "heatmap: needs two axes with several values; neuron alone has several values"),
    ("--kind heatmap --of release_mean --cell pre0",
     "cell = pre0: release_mean is one of a projection"),
    ("--kind raster U_0=0.2 amplitude=4",
     "neuron: say which of its 2 values is meant, as in neuron=chattering"),
    ("--kind raster --y U_1", "y = U_1: no such axis; did you mean U_0?"),
    ("--kind raster --of burst_rate", "of = burst_rate: not for kind raster, which has cell, y"),
    ("neuron=chatering", "neuron = chatering: not on the axis; did you mean chattering?"),
    ("neuron=chattering U_0=0.57", "U_0 = 0.57: not on the axis; the nearest is 0.6"),
    ("nuron=chattering", "nuron: no such axis; did you mean neuron?"),
    ("synapse.U_0=0.2", "synapse.U_0: no such axis; did you mean U_0?"),
    ("neuron=chattering U_0=0.2",
     "amplitude: say which of its 3 values is meant, as in amplitude=4.0"),
    ("chattering", "chattering: expected a label on an axis, such as neuron=chattering"),
    ("cell=post0", "cell=post0: no axis; write --cell post0"),
    ("--kind phase --input 4nA neuron=chattering U_0=0.2 amplitude=4",
     "input = 4nA: a current, but the neuron's input is a voltage"),
    ("--kind phase --input x neuron=chattering U_0=0.2 amplitude=4",
     "input = x: 'x' is no quantity; write a number and a unit, as in 10 mV"),
    ("--width 3 neuron=chattering U_0=0.2 amplitude=4", "width = 3: expected 1, 1.5 or 2 columns"),
    ("--width wide", "width = wide: expected 1, 1.5 or 2 columns"),
    ("-o x.gif", "x.gif: no format gif; expected .png, .pdf or .svg"),
    ("-o x.pgn", "x.pgn: no format pgn; did you mean png?"),
    ("-o x", "x: names no format; expected .png, .pdf or .svg"),
    ("-o nowhere/x.png", "nowhere/x.png: no folder nowhere to write it to"),
    ("-o x.png U_0=0.2 amplitude=4",
     "x.png: 2 figures do not go into one file; without -o they have a file each, and --kind "
     "gallery is one figure"),
    ("--kind gallery", "amplitude: say which of its 3 values is meant, as in amplitude=4.0"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "said"), MISTAKES)
def test_a_mistake_is_one_line_and_no_file(words, said, study, here, capsys):
    status = cli.main(["plot", str(study.path), *words.split(" ")])
    assert (status, *capsys.readouterr()) == (2, "", f"error: {said}\n")
    assert not list(here.iterdir())


@pytest.mark.parametrize(("words", "said"), [
    ("neuron=chatering", "neuron = chatering: no such neuron; did you mean chattering?"),
    ("stimulus.amplitude=4,30V,8mA --kind fi", "stimulus.amplitude: one axis holds"),
    ("nowhere", "nowhere: no such folder"),
    ("--kind fi", "fi: needs an axis with several numbers; nothing is swept"),
    ("neuron=integrate_and_fire/leaky stimulus=step_current synapse=none circuit=single "
     "--kind phase", "phase: integrate and fire/leaky has 1 state (v); a phase plane needs two"),
    ("neuron=source/regular_train stimulus=none synapse=none circuit=single",
     "cell = cell0: a source of spikes has no potential to draw"),
])  # fmt: skip
def test_what_cannot_run_is_one_line(words, said, here, capsys):
    status = cli.main(["plot", *words.split(" "), *(SHORT if words != "nowhere" else [])])
    out, err = capsys.readouterr()
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert (status, out) == (2, "") and line.startswith(f"error: {said}")
    assert not list(here.iterdir())


OWN = """
model: fitzhugh_nagumo
equations: |
  dv/dt = (v - v**3/3 - w + I)/ms : 1
  dw/dt = 0.08*(v + 0.7 - 0.8*w)/ms : 1
threshold: v > 1
refractory: v > 1
v_0: -1
w_0: -0.5
"""


def test_a_model_of_one_s_own_without_units_and_resets(here):
    (here / "neuron").mkdir()
    (here / "neuron" / "own.yaml").write_text(OWN)
    words = ["neuron=own", "stimulus.amplitude='0.5 1'", "stimulus.baseline='0 1'", "synapse=none",
             "circuit=single", *SHORT]  # fmt: skip
    figure = izhi.plot(words, "phase", config_dir=here, input=0.5)
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("membrane potential v", "w")
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told == ["dv/dt = 0 at I = 0.5", "dw/dt = 0", "unstable focus", "trajectory"]
    (point,) = [line for line in axes.lines if line.get_label() == "unstable focus"]
    ((v, w),) = point.get_xydata()
    assert v - v**3 / 3 - w + 0.5 == pytest.approx(0, abs=1e-9)
    assert v + 0.7 - 0.8 * w == pytest.approx(0, abs=1e-9)
