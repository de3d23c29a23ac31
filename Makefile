# Each target sets up .venv first, so `make sweep` and `make test` work in an empty clone.
# To use another Python:  make test PYTHON=python3.12 VENV=.venv-3.12

# Empty: the first of CANDIDATES that runs and is new enough.
PYTHON ?=
CANDIDATES = python3.11 python3 python3.12 python3.13
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed
PIP_INSTALL = -m pip --disable-pip-version-check install -q --use-pep517

.PHONY: help sweep test pages soak bench figures patterns methods docs studies lint lock clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## */  make \1\t/p' Makefile

sweep: $(STAMP)  ## run the first sweep
	$(BIN)/izhi run -m +experiment=presets_u0_amplitude

test: $(STAMP)  ## run the tests
	$(KEEP_BYTECODE) $(BIN)/python -m pytest -n logical --dist worksteal

pages: $(STAMP)  ## work through the docs and notebooks, look at pages in a browser
	$(BIN)/python -m pytest -n logical --dist worksteal -m pages

soak: $(STAMP)  ## run the tests that take minutes
	$(BIN)/python -m pytest -m soak

bench: $(STAMP)  ## time izhi against its peers
	$(BIN)/python -m benchmarks.bench
	$(BIN)/python -m benchmarks.statistics
	$(BIN)/python -m benchmarks.methods

figures: $(STAMP) patterns  ## draw the figures of docs/figures.md
	$(PLOT) neuron=chattering $(BRIEF) -o docs/trace.png
	$(PLOT) neuron=chattering $(BRIEF) --kind phase -o docs/phase.png
	$(PLOT) 'neuron=glob(*,exclude=[random,resonator_forum])' $(BRIEF) --kind gallery -o docs/gallery_presets.png
	$(PLOT) 'neuron=glob(*,exclude=[random,resonator_forum])' $(BRIEF) --kind raster --y neuron -o docs/raster.png
	$(PLOT) 'synapse.U_0=range(0.05,1.0,0.05)' 'stimulus.amplitude=range(4,15,0.5)' --kind heatmap --of release_mean -o docs/heatmap.png
	$(PLOT) 'neuron=glob(*,exclude=[random,resonator_forum])' 'stimulus.amplitude=range(0,20.5,0.5)' circuit=single --kind fi -o docs/fi.png
	$(PLOT) +experiment=preset_regimes --kind heatmap --of regime --width 2 -o docs/preset_regimes.png

PLOT = $(BIN)/izhi plot
BRIEF = circuit=single 'simulation.duration=250 ms'

patterns: $(STAMP)  ## draw the 20 patterns of Izhikevich (2004)
	$(PLOT) '+pattern=glob(*)' --kind gallery -o docs/patterns.png

methods: $(STAMP)  ## error against time of the integration methods: docs/methods.md and .png
	$(BIN)/python -m analysis.methods docs/methods.md docs/methods.png

docs: $(STAMP)  ## the documentation as a site: build/docs/index.html
	$(BIN)/python -m sphinx -q -W --keep-going -n -b html -d build/doctrees docs build/docs

studies: $(STAMP)  ## run the small studies of the notebooks anew: analysis/studies
	$(BIN)/python -m analysis.stored_studies analysis/studies

lint: $(STAMP)  ## check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The tests start hundreds of processes, each of which would compile izhi anew where an environment
# forbids to write byte code. A folder of its own for it would have all dependencies compiled, too.
KEEP_BYTECODE = env -u PYTHONDONTWRITEBYTECODE

# A name on the PATH may be a shim that fails, so every candidate is run before it is chosen.
FIND_PYTHON = py=; \
	for candidate in $(or $(PYTHON),$(CANDIDATES)); do \
	  if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	    2>/dev/null; then py=$$candidate; break; fi; \
	done; \
	if [ -z "$$py" ]; then \
	  echo "error: no working Python 3.11 or newer (with venv) among: $(or $(PYTHON),$(CANDIDATES))." >&2; \
	  echo "Install one, or name yours: make PYTHON=/path/to/python3 ..." >&2; \
	  exit 1; \
	fi

MINOR = -c 'import sys; print("%d.%d" % sys.version_info[:2])'

$(STAMP): pyproject.toml $(wildcard requirements/lock-*.txt)
	@set -e; \
	if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  $(FIND_PYTHON); \
	  echo "Creating $(VENV) with $$py" >&2; \
	  "$$py" -m venv --clear $(VENV); \
	fi; \
	lock=requirements/lock-$$($(BIN)/python $(MINOR)).txt; \
	if [ -f "$$lock" ]; then \
	  echo "Installing $$lock" >&2; \
	  $(BIN)/python $(PIP_INSTALL) -r "$$lock"; \
	else \
	  echo "There is no $$lock: installing the newest versions that pyproject.toml allows" >&2; \
	  $(BIN)/python $(PIP_INSTALL) -e '.[dev]'; \
	fi; \
	$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation -e .; \
	touch $@

lock:  ## write requirements/lock-X.Y.txt for PYTHON
	@set -e; \
	$(FIND_PYTHON); \
	tmp=$$(mktemp -d); \
	trap 'rm -rf "$$tmp"' EXIT; trap 'exit 130' INT TERM; \
	"$$py" -m venv "$$tmp"; \
	minor=$$("$$py" $(MINOR)); \
	"$$tmp/bin/python" $(PIP_INSTALL) '.[dev]'; \
	"$$tmp/bin/python" -m pip freeze --all --exclude pip --exclude izhi >"$$tmp/frozen"; \
	{ \
	  echo "# What izhi was tested with on Python $$minor: its dependencies and those of its dev extra."; \
	  echo "# Written by \`make lock PYTHON=python$$minor\`: a fresh virtual environment, pip install, pip freeze."; \
	  sed "s/^nest-simulator==.*/&; sys_platform == 'linux' and platform_machine == 'x86_64'/" \
	    "$$tmp/frozen"; \
	} >requirements/lock-$$minor.txt; \
	echo "Wrote requirements/lock-$$minor.txt"

clean:  ## remove the environment, caches and builds; studies stay
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
