# Every target sets itself up. `make help` lists them.
PY ?= python3
V := .venv
UV := $(V)/bin/uv
STAMP := $(V)/.installed
UV_VERSION := 0.13
export WFM_HOME ?= $(CURDIR)/.wfm
# Folders of series with a series.json, for benchmarks that need real ones.
SERIES = $(dir $(wildcard $(or $(WFM_REAL_DATA),../shared/data)/*/series.json))

.DEFAULT_GOAL := help
.PHONY: help install run test check bench bench-peers docs lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

# The environment is made anew only when the lock or the project file changes.
$(STAMP): requirements.lock pyproject.toml
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "wfm needs Python 3.11 or newer; found $$($(PY) --version). Try: make $(MAKECMDGOALS) PY=python3.11"; exit 2; }
	@$(PY) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv module is missing; install it first: apt-get install python3-venv"; exit 2; }
	@test -x $(V)/bin/python || $(PY) -m venv $(V)
	@echo "Installing the pinned packages into $(V) ..."
	@$(V)/bin/python -m pip install -q --disable-pip-version-check "uv==$(UV_VERSION).*"
	@$(UV) pip sync -q --require-hashes requirements.lock --python $(V)/bin/python
	@$(UV) pip install -q --no-deps --no-build-isolation -e . --python $(V)/bin/python
	@touch $@

install: $(STAMP) ## Make the environment in .venv from requirements.lock

run: $(STAMP) ## Plan, publish and serve the sample brand; prints a link to the console
	@$(V)/bin/wfm demo

test: $(STAMP) ## Run every test this machine can run
	@$(V)/bin/python -m pytest -q

check: $(STAMP) ## Lint, formatting and types, and the clocks of promises under 10,000 lives
	@$(V)/bin/ruff check .
	@$(V)/bin/ruff format --check .
	@$(V)/bin/mypy
	@WFM_CLOCK_EXAMPLES=10000 $(V)/bin/python -m pytest -q -n0 tests/wfm/test_clocks_stateful.py

bench: $(STAMP) ## Run the benchmarks, each within a minute (full: python -m benchmarks.NAME)
	@$(V)/bin/python -m benchmarks.chain --quick
	@$(V)/bin/python -m benchmarks.batch --quick
	@$(V)/bin/python -m benchmarks.staffing --quick
	@$(V)/bin/python -m benchmarks.simulation --quick
	@$(V)/bin/python -m benchmarks.truth --quick
	@$(V)/bin/python -m benchmarks.cover --quick
	@$(V)/bin/python -m benchmarks.roster --quick
	@$(V)/bin/python -m benchmarks.whatif --quick
	@$(V)/bin/python -m benchmarks.whatiftruth --quick
	@$(V)/bin/python -m benchmarks.spike --quick
	@$(V)/bin/python -m benchmarks.replay --quick
	@$(V)/bin/python -m benchmarks.queue --quick
	@$(V)/bin/python -m benchmarks.ingest --quick
	@$(V)/bin/python -m benchmarks.queuemetrics --quick
	@$(V)/bin/python -m benchmarks.queueday --quick
	@$(if $(SERIES),$(V)/bin/python -m benchmarks.forecast --quick --data $(SERIES),\
		echo "benchmarks.forecast is left out: no folders of series; say where they are with WFM_REAL_DATA")

bench-peers: $(STAMP) ## Make the environment of peers that clash with ours (.bench-peers)
	@$(V)/bin/python -m benchmarks.peers

docs: $(STAMP) ## Rebuild what is generated: screenshots and the README's figures
	@$(V)/bin/python docs/build.py

lock: $(STAMP) ## Resolve the dependencies anew into requirements.lock
	@$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --no-annotate pyproject.toml --extra dev -o requirements.lock

clean: ## Remove the environment and the demo's data
	rm -rf $(V) .wfm .bench-peers
