# `make` alone lists the targets. Each one sets up what it needs; only Python and make must be there.

PYTHON ?= python3
CONFIG := configs/iris.yaml
TARGET := config table header model record show
SECONDS := 60

python := .venv/bin/python
bench := .bench/env/bin/python
fuzzer := .fuzz/env/bin/python
workers = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)# tests wait for processes that they start

# Settings of the caller's shell that would lead pip, Python or the tests astray.
unexport MAKEFLAGS MFLAGS PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH PYTHONWARNINGS VIRTUAL_ENV
unexport PIP_PREFIX PIP_QUIET PIP_TARGET PIP_VERBOSE
export PIP_USER := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.NOTPARALLEL:
.SUFFIXES:
.PHONY: help setup train test storm faults lint fmt docs docs-check check fuzz bench quality coverage load matrix clean force

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' Makefile

setup: .venv/.ready .venv/.ready-dev ## make .venv with bpcli (editable) and the tools for working on it

train: .venv/.ready ## train the iris network; any other: make train CONFIG=my.yaml
	.venv/bin/bpcli train $(CONFIG)

test: .venv/.ready-dev ## run the tests
	@$(python) -m pytest --numprocesses $(workers) --maxprocesses 4 --dist worksteal

lint: .venv/.ready-dev ## look for mistakes: ruff, formatting, types
	@$(python) -m ruff check --quiet
	@$(python) -m ruff format --check --quiet
	@$(python) -m mypy --no-error-summary

storm: .venv/.ready-dev ## kill small runs 300 times at random moments and resume them to the same bytes
	@$(python) tests/storm.py --kills 300

faults: .venv/.ready-dev ## let every call that writes fail in turn, in every way
	@$(python) tests/faults.py

fmt: .venv/.ready-dev ## format the code and repair what ruff can
	@$(python) -m ruff check --quiet --fix-only
	@$(python) -m ruff format --quiet

docs: .venv/.ready-dev ## write the generated pages of docs/
	@$(python) docs/make.py

docs-check: .venv/.ready-dev ## see whether the generated pages are up to date
	@$(python) docs/make.py --check

check: lint test docs-check ## everything that must hold before a commit

bench: .bench/env/.ready ## time bpcli, scikit-learn and PyTorch in turn; writes docs/benchmarks.md
	@$(bench) benchmarks/run.py

quality: .bench/quality/.ready ## compare the defaults with other tools on fifteen tables; writes docs/quality.md
	@.bench/quality/bin/python benchmarks/quality.py $(QUALITY)

coverage: .venv/.ready ## measure how often intervals hold the truth; writes docs/coverage.md
	@$(python) benchmarks/coverage.py

fuzz: .fuzz/env/.ready ## throw bytes at every reader: make fuzz TARGET=config SECONDS=3600
	@for target in $(TARGET); do $(fuzzer) tests/fuzzing/run.py $$target $(SECONDS) || exit 1; done

load: .venv/.ready ## predict files of 0.1 and 1 GB and print time and memory; make load SIZES='1 10'
	@$(python) benchmarks/load.py $(SIZES)

matrix: .venv/.ready ## train six configs under 96 environments; every result must be the same bytes
	@$(python) tests/matrix.py

clean: ## remove environments, caches and builds; keeps runs/
	@rm -rf .venv .bench .fuzz .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	@find benchmarks bpcli data docs tests -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- environments -------------------------------------------------------------------------------
# A stamp holds the folder it was made in: one that was moved or copied, or whose Python is gone, is
# made anew. A recipe is one command, so that no stamp is written after a failure.

fits = test -x $(1)/bin/python && test "$$(cat $(1)/.ready 2>/dev/null || pwd -P)" = "$$(pwd -P)"
stale = $(shell { $(fits); } || echo force)

new-enough = 'import sys; sys.exit(sys.version_info < (3, 11))'
complain = { echo 'bpcli needs Python 3.11 or newer, and "$(PYTHON)" is not that;' \
	'name one that is, like this: make PYTHON=python3.12' >&2; exit 1; }

define environment
	@{ $(fits) && $(1)/bin/python -m pip --version; } >/dev/null 2>&1 || { \
		"$(PYTHON)" -c $(new-enough) 2>/dev/null || $(complain); \
		echo 'Setting up $(1), which takes a minute ...' >&2; \
		"$(PYTHON)" -m venv --clear $(1); } \
	&& $(1)/bin/python -m pip install --quiet --quiet 'pip>=25.1' \
	&& $(1)/bin/python -m pip install --quiet --quiet $(2) \
	&& $(1)/bin/python -m compileall -q bpcli
endef

.venv/.ready: pyproject.toml $(call stale,.venv)
	$(call environment,.venv,--editable .) && pwd -P > $@

.venv/.ready-dev: pyproject.toml .venv/.ready
	@$(python) -m pip install --quiet --quiet --group dev && touch $@

# On Linux PyTorch's CPU-only wheels are much smaller: PIP_EXTRA_INDEX_URL may name their index.
.bench/env/.ready: pyproject.toml $(call stale,.bench/env)
	$(call environment,.bench/env,--editable . scikit-learn torch==2.13.0) && pwd -P > $@

.bench/quality/.ready: pyproject.toml $(call stale,.bench/quality)
	$(call environment,.bench/quality,--editable . scikit-learn torch==2.13.0 pytabkit) && pwd -P > $@

# Not every Python has an atheris; without it the inputs are changed at random.
.fuzz/env/.ready: pyproject.toml $(call stale,.fuzz/env)
	$(call environment,.fuzz/env,--editable .) \
	&& { $(fuzzer) -m pip install --quiet --quiet --group fuzz || echo 'without atheris' >&2; } \
	&& pwd -P > $@

force:
