# On a fresh Debian 12 with python3, python3-venv and make:
#   make run    set up, then show one whole visit on a simulated station
#   make test   set up, then pass the tests
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# At a time, also on two cores: three quarters of what a test takes is waiting for a station.
JOBS   ?= 4

.PHONY: help setup run test conformance lint types cuts soak bench clean
help:            ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/' | expand -t 14

setup: $(VENV)/.ready  ## virtual environment with everything in it

$(VENV)/.ready: pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m compileall -q chargepointd hal
	@touch $@

run: $(VENV)/.ready  ## bench CSMS and a simulated station, one visit, then yours to play with
	$(BIN)/python -m chargepointd.csms.demo

test: $(VENV)/.ready  ## all tests
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

conformance: $(VENV)/.ready  ## the certification cases: what passed, failed, does not apply; the key figures
	@$(BIN)/python -m tests.conformance -q -n $(JOBS)

lint: $(VENV)/.ready  ## ruff and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.ready  ## mypy --strict
	$(BIN)/mypy

cuts: $(VENV)/.ready  ## the power is cut 2,000 times, at every write and message of a visit; some 25 minutes
	$(BIN)/python -m tests.power --jobs $(JOBS)

soak: $(VENV)/.ready  ## thirty days by a virtual clock, AC and DC: books that balance, and nothing that grows; 20 minutes
	@$(BIN)/python -m tests.soak

bench: $(VENV)/.ready  ## start, latency, rate, memory, idle, bytes written, queue drain, a hostile CSMS; some 8 minutes
	$(BIN)/python -m tests.benchmarks

clean:           ## remove everything made here
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
