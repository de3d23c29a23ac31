"""What was asked for, as plain data: for the reader, and for comparing."""

from __future__ import annotations

import json
from typing import Any

from izhi.config.keys import shown
from izhi.sweep.plan import Plan
from izhi.units import Quantity


def as_json(plan: Plan) -> str:
    """Return the composed configs and axes as one JSON string."""
    return json.dumps(of(plan), ensure_ascii=False)


def of(plan: Plan) -> dict[str, Any]:
    """Return axes, composed configs and overrides as plain data, for a reader and for comparing."""

    def plain(value: Any) -> Any:
        return shown(value) if isinstance(value, Quantity) else value

    sweep = plan.sweep
    return {
        "overrides": list(sweep.overrides),
        "choices": dict(sweep.choices),
        "axes": [
            {"key": axis.key, "name": axis.name, "unit": axis.unit, "values": axis.labels.tolist()}
            for axis in sweep.axes
        ],
        "configs": [
            {key: plain(value) for key, value in sweep.bases[n].values.items()} for n in sweep.used
        ],
    }
