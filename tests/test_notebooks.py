"""The notebooks of analysis/ are kept without outputs, run from an empty kernel, and are right."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ANALYSIS = Path(__file__).resolve().parents[1] / "analysis"
NAMES = [
    "01_fi_curves",
    "02_burst_maps",
    "03_short_term_plasticity",
    "04_comparing_studies",
    "05_neo_and_elephant",
    "06_run_from_a_notebook",
]
A_PATH = re.compile(r"/(?:home|root|tmp|work|Users|mnt|opt|var)/|[A-Z]:\\\\")

# What must hold in the end, in the words of the notebook, against something that it did not use.
CHECKS = {
    "01_fi_curves": """
        table = pd.read_csv(study.path / "summary.csv", comment="#")
        for name in names:
            part = table[(table.neuron == name) & (table.amplitude >= 5)]
            assert abs(np.polyfit(part.amplitude, part.steady_rate, 1)[0] / gain[name] - 1) < 1e-9
        assert rheobase["regular_spiking"] == 4 and rheobase["thalamo_cortical"] == 1
        assert gain["thalamo_cortical"] > 9 * gain["regular_spiking"] > 18
        assert adaptation["fast_spiking"] < 1.05 and adaptation["regular_spiking"] > 1.2
        assert (counted == rates.firing_rate.sel(amplitude=10)).all() and counted.min() == 23
    """,
    "02_burst_maps": """
        weak = answered.sel(amplitude=[4, 6], U_0=[0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95])
        assert (weak == 1).all()
        strong = answered.sel(amplitude=slice(10, 20), U_0=slice(0.35, 1))
        assert strong.min() > 0.18 and strong.max() < 0.54
        gap = {"amplitude": 8, "U_0": [0.55, 0.65, 0.75]}
        assert answered.sel(gap).max() < 0.13 and answered_pairs.sel(gap).min() > 0.8
        assert 3 <= size.min() and size.max() <= 4 and driven.spikes_per_burst.max() > 11
        train = study.spike_times("post0", U_0=0.65, amplitude=8)
        fast, runs = [b - a <= 0.01 for a, b in zip(train, train[1:])], []
        for before, now in zip([False, *fast], fast):
            if now and not before:
                runs.append(1)
            runs[-1] += now
        assert sum(run >= 3 for run in runs) == bursts.sel(U_0=0.65, amplitude=8, cell="post0")
        assert len(runs) == pairs.sel(U_0=0.65, amplitude=8, cell="post0")
    """,
    "03_short_term_plasticity": """
        for name, U, facilitation, depression in (
            ("depressing", 0.6, 1 / 3.33, 0.5),
            ("neutral", 0.5, 1 / 3, 1 / 3),
            ("facilitating", 0.15, 0.5, 0.5),
        ):
            for hertz in (1.0, 4.0, 20.0, 100.0):
                u, x, released = 0.0, 1.0, []
                for _ in range(int(10 * hertz)):
                    u += U * (1 - u)
                    released.append(u * x)
                    x -= u * x
                    u *= np.exp(-1 / hertz / facilitation)
                    x = 1 - (1 - x) * np.exp(-1 / hertz / depression)
                place = {"synapse": name, "rate": hertz}
                last = np.mean(released[-5:])
                assert abs(steady.sel(place) / last - 1) < 1e-9
                assert abs(steady_release(1 / rate).sel(place) / last - 1) < 1e-6
                ratio = results.paired_pulse_ratio.sel(place)
                assert abs(ratio / (released[1] / released[0]) - 1) < 1e-9
        assert (difference < 1.5e-3).all(axis=None)
        transfer = results.transfer_ratio.to_pandas()
        assert (transfer.loc["depressing", :8] == 1).all()
        band = transfer.loc["facilitating"]
        assert band[1] == 0 < 0.9 < band[1.5:6].min()
        assert transfer.loc[:, 15:].max(axis=None) < 0.04
        assert 3 < best["facilitating"] < 4 and best["depressing"] == 1
        assert abs(per_second.sel(rate=100) * tau_d - 1).max() < 0.02
    """,
    "04_comparing_studies": """
        assert error.sel(neuron="regular_spiking").max() < 1
        assert 10 < error.sel(neuron="thalamo_cortical").max() < 11
        assert error.sel(neuron="chattering").min() < 0
        assert found.configs[0] == "simulation.method: euler | located_rk4"
        assert found.compared == 147 and "isi_mean" in {one.name for one in found.results}
        assert difference.amplitude.values.tolist() == [6, 8, 10, 12, 14, 16, 18, 20]
        place, expected = ("thalamo_cortical", 20), 0
        for name, sign in (("fi_curves", 1), ("fi_curves_located", -1)):
            table = pd.read_csv(f"studies/{name}/summary.csv", comment="#")
            expected += sign * table.set_index(["neuron", "amplitude"]).steady_rate[place]
        assert difference.sel(neuron=place[0], amplitude=place[1]) == expected
        assert worst["rate, largest [Hz]"].max() == 45 and (fire[0] == fire[1]).all()
    """,
    "05_neo_and_elephant": """
        assert len(trains) > 250 and (largest < 1e-12).all()
        assert abs(of_elephant.lv.loc[0.05, 4.0, "pre0"] - 1.682) < 1e-3
        assert np.array_equal(np.isnan(ours), np.isnan(elephants.values.ravel()))
        assert np.nanmax(abs(ours - elephants.values.ravel())) < 1e-12
        assert len(theirs) == 38 and np.allclose(tiling[~np.isnan(tiling)], theirs, atol=1e-12)
        assert elephants[4].loc[0.25:].min() > 0.6 > 0.55 > elephants[[8, 12, 20]].max(axis=None)
    """,
    "06_run_from_a_notebook": """
        found = study.dataset.firing_rate.sel(cell="cell0")
        assert found.d.values.tolist() == [2, 4, 6, 8, 10] and (found.diff("d") <= 0).all()
        assert found.sel(d=8, amplitude=10) == 23
        done = [e["points"] for e in study.log if e["event"] == "shard_done"]
        assert sum(done) == plan.points + 18 == 45
        assert recorded.traces.v.max() < 0.031 and recorded.traces.sizes["time"] == 3000
        study.close(); recorded.close()
    """,
}


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(ANALYSIS / f"{name}.ipynb", as_version=4)


def files() -> dict[Path, int]:
    """Return what is in the folder, with when it was changed."""
    found = (path for path in ANALYSIS.rglob("*") if "__pycache__" not in path.parts)
    return {path: path.stat().st_mtime_ns for path in found if path.is_file()}


def test_these_are_all_notebooks() -> None:
    assert sorted(path.stem for path in ANALYSIS.glob("*.ipynb")) == NAMES == sorted(CHECKS)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_kept_without_traces_of_runs(name) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    cells = notebook.cells
    assert all(not cell.metadata for cell in cells)
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    ids = [cell.id for cell in cells]
    assert len(set(ids)) == len(ids) and all(re.fullmatch("[a-z-]+", each) for each in ids)
    text = "\n".join(cell.source for cell in cells)
    assert not A_PATH.search(text)
    assert cells[0].source.startswith("# ") and "?**" in cells[0].source
    assert "## Source" in cells[-1].source or "## Source" in cells[-2].source


@pytest.fixture(scope="module", autouse=True)
def fonts() -> None:
    """Have matplotlib look for its fonts before the first notebook, where it would say so."""
    import matplotlib.font_manager  # noqa: F401


@pytest.mark.pages
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_from_an_empty_kernel_and_shows_what_it_says(name) -> None:
    notebook, before = read(name), files()
    check = "\n".join(line.removeprefix(" " * 8) for line in CHECKS[name].splitlines())
    at = len(notebook.cells) - (notebook.cells[-1].source == "folder.cleanup()")
    notebook.cells.insert(at, nbformat.v4.new_code_cell(check, id="check"))
    NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=120,
        resources={"metadata": {"path": str(ANALYSIS)}},
    ).execute()

    outputs = {c.id: c.outputs for c in notebook.cells if c.cell_type == "code"}
    said = [o for each in outputs.values() for o in each if o.get("name") == "stderr"]
    assert not said, said[0].text
    assert any("image/png" in output.get("data", ()) for output in outputs["answer"])
    assert list(outputs).index("answer") == 1
    assert files() == before
