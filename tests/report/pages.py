"""Pages of studies that were never run: whatever shape, names and states a test wants."""

import numpy as np

from izhi.report.page import payload, write

WORDS = ["silent", "single_spike", "tonic", "adapting", "bursting", "irregular"]


def axis(name, labels, unit="", key=None):
    """Return an axis as a page has it."""
    labels = list(labels)
    return {
        "name": name, "key": key or name, "unit": unit, "per": 1,
        "labels": labels, "numeric": not isinstance(labels[0], str),
    }  # fmt: skip


def study(*axes, title="made up", cells=("pre0", "post0"), **other):
    """Return what the page of a study holds: values tell the place and the cell they are of."""
    shape = tuple(len(axis["labels"]) for axis in axes)
    places = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    rates = (places[..., None] + 1000.0 * np.arange(len(cells))).astype("f4")
    data = {
        "title": title,
        "facts": [["points", f"{places.size}"]],
        "aggregation": "",
        "axes": list(axes),
        "cells": list(cells),
        "projections": [],
        "statistics": [
            statistic("firing_rate", rates, title="mean firing rate", unit="Hz"),
            statistic("regime", (rates % 6).astype("i1"), words=WORDS),
            statistic("burst_rate", np.where(rates % 2, rates, np.nan).astype("f4")),
        ],
        "status": np.zeros(shape, "i1"),
        "status_words": ["done", "not run", "failed", "diverged"],
        "points": places.astype("i4"),
        "models": [],
        "provenance": [["izhi", "0"]],
        "config": "neuron: chattering",
        "rasters": None,
        "samples": None,
    }
    return {**data, **other}


def statistic(name, values, title="", unit="", per="cell", words=None):
    """Return a statistic as a page has it."""
    return {
        "name": name, "title": title or name, "unit": unit, "per": per,
        "words": words, "values": values,
    }  # fmt: skip


def save(folder, data):
    """Write the page of a study and return its address."""
    path = folder / "page.html"
    write.write(path, data["title"], payload.pack(data))
    return path.as_uri()
