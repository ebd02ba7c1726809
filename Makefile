# Every target installs what it needs into .venv, and is quick the second time.
# ARGS are passed to pytest: make test ARGS='-m "not slow"'.
PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run test lint check bench

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

$(VENV)/.run: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing RustyGPT into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[server]'
	@touch $@

$(STAMP): $(VENV)/.run
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[server,redis,dev]'
	@touch $@

run: $(VENV)/.run ## Start a local server and open the terminal chat
	@$(BIN)/rustygpt --local

test: $(STAMP) ## Run every test
	@$(BIN)/python -m pytest -n 3 --dist loadgroup $(ARGS)

lint: $(STAMP) ## Lint, types and layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

check: lint test ## Lint, types, layers and every test

bench: $(STAMP) ## Measure, show progress, and print tables
	@$(BIN)/python -m tests.benchmarks
