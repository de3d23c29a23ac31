"""Figures for papers and talks, drawn with matplotlib; ``izhi plot`` writes them to files.

Each function returns a `matplotlib.figure.Figure`, sized in columns of a journal; :func:`save`
writes it. They leave the settings of a notebook as they are.
"""

from izhi import matplotlibrc

with matplotlibrc.unread():
    from izhi.report.figures.curves import fi
    from izhi.report.figures.galleries import gallery
    from izhi.report.figures.heatmaps import heatmap
    from izhi.report.figures.phaseplane import phase
    from izhi.report.figures.rasters import raster
    from izhi.report.figures.style import save
    from izhi.report.figures.voltage import trace

__all__ = ["fi", "gallery", "heatmap", "phase", "raster", "save", "trace"]
