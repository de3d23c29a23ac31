"""What is shown of single points: the states of cells and synapses over time."""

from izhi.report.samples.collect import samples
from izhi.report.samples.contents import Samples, Trace

__all__ = ["Samples", "Trace", "samples"]
