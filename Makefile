# `make fit` needs nothing but Python 3.11 or newer and make; `make help` lists the rest.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Empty in daily use; `make test PEERS=1` also installs NEURON and Jaxley, whose tests are skipped otherwise.
PEERS ?=
PYTEST_ARGS ?=
# Tests of the simulator use no Ray and no deadlines, so they run in so many processes; the others follow, alone.
TEST_PROCESSES ?= 2

EXAMPLE := example
# Where `make bench` leaves its figures, one JSON file a script.
FIGURES := build/benchmarks
PACKAGES := rallax.sim rallax.fitting rallax.storage rallax.workflows

# One stamp per set of requirements: a set is installed again when its file changes, and not otherwise.
RUNTIME := $(VENV)/.installed-runtime
DEV := $(VENV)/.installed-dev
PEER_SET := $(VENV)/.installed-peers

.PHONY: help install fit test lint format types contracts bench verify clean

help:
	@echo "make fit        grow a cell, fit it and write a report (in $(EXAMPLE)/, made anew each time)"
	@echo "make test       the tests (PEERS=1: also those against NEURON and Jaxley)"
	@echo "make lint       ruff, without changing anything; make format changes"
	@echo "make types      mypy"
	@echo "make contracts  who may import whom"
	@echo "make bench      the benchmarks, one after the other; figures in $(FIGURES)/, then as tables"
	@echo "make verify     the bars that take too long for make test, as a table"
	@echo "make clean      removes the example, caches and build output, not $(VENV)"

install: $(RUNTIME)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "rallax needs Python 3.11 or newer; name one: make PYTHON=python3.11 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(DEV): requirements-dev.txt $(RUNTIME)
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@

$(PEER_SET): requirements-peers.txt $(DEV)
	$(BIN)/python -m pip install --quiet --requirement requirements-peers.txt
	@touch $@

fit: $(RUNTIME)
	rm -rf $(EXAMPLE)
	$(BIN)/python -m rallax.workflows.example $(EXAMPLE)
	$(BIN)/rallax run $(EXAMPLE)/job.toml --run $(EXAMPLE)/run
	@echo "Report: $(CURDIR)/$(EXAMPLE)/run/report.html"

test: $(DEV) $(if $(PEERS),$(PEER_SET))
	$(BIN)/python -m pytest -m "not slow" -n $(TEST_PROCESSES) --dist loadfile tests/sim $(PYTEST_ARGS)
	$(BIN)/python -m pytest -m "not slow" --ignore tests/sim $(PYTEST_ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --extend-exclude '*.md' .

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format --extend-exclude '*.md' .

types: $(DEV)
	$(BIN)/mypy $(PACKAGES:%=-p %)

contracts: $(DEV)
	$(BIN)/lint-imports --no-cache

bench: $(PEER_SET)
	@mkdir -p $(FIGURES); missed=; \
	for script in $$(ls benchmarks/*.py | grep -v -e /_ -e /verify.py -e /performance_table.py); do \
	  json=; ! grep -q '"--json"' $$script || json="--json $(FIGURES)/$$(basename $$script .py).json"; \
	  echo "== $$script"; $(BIN)/python $$script $$json || missed="$$missed $$script"; done; \
	$(BIN)/python benchmarks/performance_table.py $(FIGURES) || missed="$$missed tables"; \
	test -z "$$missed" || { echo "a bar missed, or data not there:$$missed" >&2; exit 1; }

verify: $(PEER_SET)
	$(BIN)/python benchmarks/verify.py

clean:
	rm -rf $(EXAMPLE) build dist ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
