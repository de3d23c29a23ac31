"""How the documentation is built: ``make docs``."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import generated  # noqa: E402
import offline  # noqa: E402

project = "izhi"
author = copyright = "The izhi developers"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["**/.ipynb_checkpoints"]
suppress_warnings = ["config.cache"]  # nb_custom_formats and the like hold functions

myst_heading_anchors = 3
myst_links_external_new_tab = False
nb_execution_mode = "off"  # they are run in analysis/, where their studies lie: generated.notebooks
nb_ipywidgets_js: dict[str, object] = {}  # would come from a server
nb_merge_streams = True

napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
add_module_names = False
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!izhi\.).*"),  # other packages' documentation would be fetched
    ("py:.*", r"izhi\.(config|sweep\.structures|accuracy\.compare)\..*"),  # rooms of its own
]

html_theme = "furo"
html_title = "izhi"
html_static_path = ["_static"]
html_css_files = ["izhi.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"


def setup(app: object) -> None:
    """Give pages what is read off the program, and notebooks with their results."""
    generated.setup(app)
    offline.setup(app)
