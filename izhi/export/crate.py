"""A study as a research object: a Workflow Run RO-Crate.

It follows the Workflow Run Crate profile 0.5 (https://w3id.org/ro/wfrun/workflow/0.5) and RO-Crate
1.1 (https://w3id.org/ro/crate/1.1). ``study.yaml``, the sweep that was asked for, is the workflow,
and each run of izhi that worked on the study is an action.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from izhi.errors import IzhiError, StudyError
from izhi.export.parameters import Parameter, parameters
from izhi.export.runs import Run, in_words, makers_of_files, runs
from izhi.export.whole import write_folder
from izhi.study.folder import input_files, sha256, unreadable, write_atomic
from izhi.study.resume import checksums, grids, logged_files
from izhi.study.study import Study

_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
_TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
"""Terms of Workflow Run Crate's that RO-Crate 1.1 lacks."""

_SHARD = ("application/x-netcdf", "Results of some of the points, as simulated.")
_INPUT = "What a file of data held that the study was run with, under its SHA-256."
_CHANGES = ("text/x-diff", "Changes to the code that were not committed, as git shows them.")
_FILES = {
    "study.yaml": ("application/yaml", "The sweep: its axes and the composed configs."),
    "dataset.nc": ("application/x-netcdf", "Statistics by axes and cell, spikes, traces."),
    "summary.csv": ("text/csv", "Statistics as a table: a row for each point and cell."),
    "log.jsonl": ("application/jsonl", "What happened and when: versions, machine, shards."),
}
_HOMES = {
    "brian2": "https://briansimulator.org/",
    "hydra-core": "https://hydra.cc/",
    "joblib": "https://joblib.readthedocs.io/",
    "netCDF4": "https://unidata.github.io/netcdf4-python/",
    "numpy": "https://numpy.org/",
    "pandas": "https://pandas.pydata.org/",
    "python": "https://www.python.org/",
    "xarray": "https://xarray.dev/",
}


def write(study: Study, path: Path) -> None:
    """Write the study's files and their description, to a folder or to a zip file.

    Raises
    ------
    StudyError
        When a file is missing, or is not the one that the log tells of.
    IzhiError
        When rocrate is not installed.
    """
    crate = describe(study)
    if path.suffix == ".zip":
        write_atomic(path, crate.write_zip)
    else:
        write_folder(path, crate.write)


def describe(study: Study) -> Any:
    """Return the description of a study, a ``rocrate.rocrate.ROCrate``."""
    crate = _empty_crate()
    asked, made = json.loads(study.dataset.attrs["config"]), runs(study.log)
    if not made:
        raise StudyError(f"{study.folder.log}: tells of no run that made the study")
    title = str(study.dataset.attrs["title"])
    files = _add_files(crate, study)
    inputs = [_add_input(crate, parameter) for parameter in parameters(asked)]
    workflow = files["study.yaml"]
    workflow["input"] = [slot for slot, _ in inputs]
    workflow["output"] = _add_outputs(crate, files)
    workflow["softwareRequirements"] = _one(_add_software(crate, made))
    fingerprints = [event["fingerprint"] for event in study.log if event.get("fingerprint")]
    if fingerprints:
        workflow["version"] = fingerprints[-1]
    makers, actions = makers_of_files(made), []
    for number, run in enumerate(made):
        # an earlier run of a study that has grown since had other values
        values = [value for _, value in inputs] if run.axes in (None, asked["axes"]) else []
        result = [file for name, file in files.items() if makers.get(name) == number]
        name = f"Run {number + 1} of izhi on {title}"
        actions.append(_add_action(crate, name, run, workflow, values, result))
    files["log.jsonl"]["about"] = _one(actions)
    root = crate.root_dataset
    root["name"] = title
    root["description"] = in_words(study)
    root["license"] = "No licence is stated."
    root["mentions"] = _one(actions)
    root["conformsTo"] = [
        _add(crate, link, "CreativeWork", name=name, version=link.rpartition("/")[2])
        for link, name in _PROFILES.items()
    ]
    return crate


def _empty_crate() -> Any:
    try:
        from rocrate.rocrate import ROCrate
    except ImportError:
        raise IzhiError(
            "a crate is written with rocrate, which is not installed: pip install 'izhi[crate]'"
        ) from None
    crate = ROCrate(version="1.1")
    crate.metadata.extra_terms.update(_TERMS)
    return crate


def _add(crate: Any, identifier: str, kind: str, **properties: Any) -> Any:
    """Add something that is no file; properties without a value are left out."""
    from rocrate.model import ContextEntity

    known = {name: _one(value) for name, value in properties.items() if value not in (None, "", [])}
    return crate.add(ContextEntity(crate, identifier, {"@type": kind, **known}))


def _one(value: Any) -> Any:
    """Return the item of a list that has only one, as RO-Crate recommends."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


# ---------------------------------------------------------------- files


def _add_files(crate: Any, study: Study) -> dict[str, Any]:
    """Add the study's files; return them by their path in the study."""
    expected = logged_files(study.folder, study.log)
    shards = sorted(f"shards/{name}" for name in checksums(study.log))
    changes = sorted(path.name for path in expected if path.suffix == ".diff")
    sweep = grids(study.folder)[-1].sweep
    inputs = {path: digest for path, (digest, _) in input_files(study.folder, sweep).items()}
    expected |= inputs
    kept = {
        f"inputs/{path.name}": ("text/csv" if path.suffix == ".csv" else "application/netcdf",
                                _INPUT)
        for path in sorted(inputs)
    }  # fmt: skip
    told = {**_FILES, **kept, **dict.fromkeys(shards, _SHARD), **dict.fromkeys(changes, _CHANGES)}
    added = {}
    for name, (media_type, description) in told.items():
        path = study.path / name
        if not path.is_file():
            raise StudyError(f"{path}: missing; a crate holds the whole study")
        digest = sha256(path)
        if expected.get(path, digest) != digest:
            what = "study.yaml" if path in inputs else "log"
            why = unreadable(path) or f"not the file that the study's {what} tells of"
            raise StudyError(f"{path}: {why}")
        properties = {"name": name, "description": description, "encodingFormat": media_type,
                      "contentSize": str(path.stat().st_size), "sha256": digest}  # fmt: skip
        if name == "study.yaml":
            language = _add_language(crate)
            added[name] = crate.add_workflow(
                path, name, properties=properties, main=True, lang=language
            )
        else:
            added[name] = crate.add_file(path, name, properties=properties)
    return added


def _add_language(crate: Any) -> Any:
    from rocrate.model import ComputerLanguage

    told = {"name": "izhi study", "description": "YAML: swept keys and composed configs, for izhi"}
    return crate.add(ComputerLanguage(crate, "#izhi-study", told))


# ---------------------------------------------------------------- inputs and outputs


def _add_input(crate: Any, parameter: Parameter) -> tuple[Any, Any]:
    """Add a parameter as a slot of the workflow and as the values that were put into it."""
    number = len(parameter.values)
    if parameter.axis is not None:
        text = f"Swept over {number} values: dimension {parameter.axis} of dataset.nc."
    elif number > 1:
        text = "Differs between the choices that were swept."
    else:
        text = "The same for all points."
    key, values = parameter.key, parameter.values
    slot = _add(crate, f"#input/{quote(key)}", "FormalParameter", name=key, description=text,
                additionalType=parameter.kind)  # fmt: skip
    value = _add(crate, f"#value/{quote(key)}", "PropertyValue", name=key,
                 value=values, unitText=parameter.unit, exampleOfWork=slot)  # fmt: skip
    slot["workExample"] = value
    return slot, value


def _add_outputs(crate: Any, files: Mapping[str, Any]) -> list[Any]:
    """Add the slots of what a run makes, and point the files to them."""
    slots = []
    for name in ("dataset", "summary", "shards"):
        made = [file for path, file in files.items() if path.startswith(name)]
        slot = _add(crate, f"#output/{name}", "FormalParameter", name=name, additionalType="File",
                    workExample=made)  # fmt: skip
        for file in made:
            file["exampleOfWork"] = slot
        slots.append(slot)
    return slots


# ---------------------------------------------------------------- software and runs


def _add_software(crate: Any, made: Sequence[Run]) -> list[Any]:
    """Add every version of everything that any run used."""
    versions: dict[tuple[str, str], None] = {}
    for run in made:
        told = run.environment
        named = {name: told.get(name) for name in ("izhi", "python")}
        named |= {**told.get("libraries", {}), "compiler": told.get("compiler")}
        versions.update({(n, str(version)): None for n, version in named.items() if version})
    return [
        _add(crate, f"#software/{quote(name)}-{quote(version)}", "SoftwareApplication",
             name=name, softwareVersion=version, url=_HOMES.get(name))
        for name, version in versions
    ]  # fmt: skip


def _add_action(
    crate: Any, name: str, run: Run, workflow: Any, values: list[Any], result: list[Any]
) -> Any:
    done = run.failed is not None
    identifier = uuid.uuid5(uuid.NAMESPACE_URL, f"{name} {run.started}")
    return _add(
        crate, f"#{identifier}", "CreateAction", name=name, description=_how(run),
        startTime=run.started, endTime=run.ended, instrument=workflow, object=values, result=result,
        actionStatus=f"http://schema.org/{'Completed' if done else 'Failed'}ActionStatus",
        error=None if done else "It ended before its results were gathered.",
    )  # fmt: skip


def _how(run: Run) -> str:
    told = run.environment
    versions = [f"{name} {told[name]}" for name in ("izhi", "python") if told.get(name)]
    machine = [str(told[name]) for name in ("system", "machine", "cpu") if told.get(name)]
    failed = [f"{run.failed} points failed"] if run.failed else []
    return "; ".join([run.command, *versions, *machine, *failed])
