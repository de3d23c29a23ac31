"""The reference is read off the program; the site fetches nothing. `make docs` builds it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from izhi.spikes import STATISTICS

DOCS = Path(__file__).parents[2] / "docs"
CONF = DOCS.parent / "conf"


@pytest.fixture(scope="module")
def generated():
    """Give the module that writes the generated pages; it lies beside the pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DOCS))
        import generated

        yield generated
    del sys.modules["generated"]


def test_every_key_and_remark_of_every_config_is_in_the_reference(generated) -> None:
    for group in generated.groups():
        page = generated.configs_page(group)
        for path in (CONF / group).rglob("*.yaml"):
            choice = path.relative_to(CONF / group).with_suffix("")
            _, found, section = page.partition(f"{group}={choice}`\n")
            assert found, choice
            section = section.split("\n## ")[0]
            text = path.read_text()
            for key in yaml.safe_load(text) or {}:
                shown = (f"`{group}.{key}`", f"\n{key}:", "Other keys: ")
                assert any(form in section for form in shown), f"{path}: {key}"
            for remark in (line.partition(" # ")[2].strip() for line in text.splitlines()):
                as_shown = remark.replace("*", r"\*").replace("|", r"\|")
                assert remark in section or as_shown in section, f"{path}: {remark}"
            source = text.partition("# Source: ")[2].split()[:3]
            assert " ".join(["Source:", *source]) in section


def test_every_group_has_a_page(generated) -> None:
    pages = DOCS / "reference" / "configs"
    assert {path.stem for path in pages.glob("*.md")} - {"index"} == set(generated.groups())


def test_a_value_is_shown_with_its_unit_and_bound(generated) -> None:
    page = generated.configs_page("synapse").split("`synapse=tsodyks_markram`")[1]
    assert (
        "| `synapse.U_0` | `0.6` | 1 | release probability at rest; "
        "a release probability lies in [0, 1] |"
    ) in page
    assert "| `synapse.tau_f` | `300` | ms | decay of facilitation; " in page
    assert "| `neuron.a` | `0.1` | 1/ms |" in generated.configs_page("neuron")


def test_every_command_is_in_the_reference_with_its_help(generated) -> None:
    page = generated.commands_page()
    for name in generated.all_commands():
        assert f"`izhi {name}`" in page
    assert "--sample N" in page and "izhi explores" in page


def test_every_statistic_is_in_the_reference(generated) -> None:
    page = generated.statistics_page()
    assert all(f"| `{name}` | {what.units} |" in page for name, what in STATISTICS.items())


def test_what_a_page_fetches_from_elsewhere_is_found(generated) -> None:
    import offline

    page = """<link href="https://a/x.css"><script src="//b/x.js"></script><a href="https://c">
    <img src="_images/x.png"><script src="_static/x.js"></script>"""
    assert offline.fetched(page) == ["https://a/x.css", "//b/x.js"]
    del sys.modules["offline"]
