# Every target makes the environment it needs; none uses one that is active.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
XVFB := xvfb-run --auto-servernum --server-args "-screen 0 1280x800x24"
PYTEST := $(BIN)/python -m pytest
SOURCES := pyproject.toml setup.cfg constraints.txt

.PHONY: demo test check bench paper docs soak format clean system-libraries screenshots

demo: .venv/base.stamp
	$(BIN)/eii demo demo

test: .venv/dev.stamp system-libraries
	$(PYTEST) tests/core tests/test_architecture.py
	$(XVFB) $(PYTEST) tests/plugin
	$(PYTEST) tests/e2e

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) -q tests/test_architecture.py
	$(BIN)/npe2 validate napari_eii

soak: .venv/dev.stamp
	$(PYTEST) tests/core --hypothesis-profile=soak

bench: .venv/dev.stamp
	$(BIN)/python benchmarks/bench_import.py
	$(BIN)/python benchmarks/bench_classical.py
	$(BIN)/python benchmarks/bench_cost.py
	$(BIN)/python benchmarks/bench_disk.py
	$(BIN)/python benchmarks/bench_colour.py
	$(BIN)/python benchmarks/bench_cluster.py
	$(BIN)/python benchmarks/bench_grain.py
	$(if $(EVAL),$(BIN)/python benchmarks/bench_detect.py $(EVAL) --restore)
	$(if $(EVAL),$(BIN)/python benchmarks/bench_standard_error.py $(EVAL))

# DATA: folder of one tar file of pictures for each domain; EVAL: folder of folders of others.
paper: .venv/dev.stamp
	$(BIN)/python benchmarks/paper.py $(if $(DATA),--data $(DATA)) $(if $(EVAL),--eval $(EVAL)) \
	  --minutes $(or $(MINUTES),30)

docs: .venv/dev.stamp
	$(BIN)/sphinx-build --fail-on-warning --keep-going -b html docs docs/_build/html
	$(BIN)/sphinx-build -b doctest docs docs/_build/doctest

screenshots: .venv/dev.stamp system-libraries
	$(XVFB) $(BIN)/python docs/make_screenshots.py

format: .venv/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

system-libraries:
	bash scripts/system_libraries.sh

clean:
	rm -rf .venv build docs/_build demo

# torch first and by its exact version, which has a wheel for CPUs alone.
.venv/python.stamp:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "Python 3.11 to 3.13 is needed; set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) torch==2.13.0
	touch $@

.venv/base.stamp: .venv/python.stamp $(SOURCES)
	$(PIP) --editable .
	touch $@

.venv/dev.stamp: .venv/base.stamp
	$(PIP) --editable ".[dev]"
	touch $@
