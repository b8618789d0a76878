# Everything is done by make on a machine with Python 3.11 or newer; `make run` and `make test` need no other step.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
SYNC := $(if $(UV),VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip install --quiet,$(BIN)/python -m pip install --quiet --disable-pip-version-check)
COMPILE := $(if $(UV),$(UV),$(BIN)/uv) pip compile --quiet --all-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml
LOOPBACK := 127.0.0.0/8,::1/128

.DEFAULT_GOAL := help
.PHONY: help install dev run test test-unit test-browser check lint bench torture lock vendor clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*## "} {printf "  make %-14s %s\n", $$1, $$2}'

install: $(VENV)/.installed ## Make .venv with the locked dependencies and the postroom command in it

run: install ## Start the console and the sandbox mail server; prints the address and, the first time, a one-time link
	@POSTROOM_ALLOWED_NETWORKS="$${POSTROOM_ALLOWED_NETWORKS-$(LOOPBACK)}" exec $(BIN)/postroom serve

test: dev test-browser test-unit ## Install what the tests need, then run all of them

test-unit: dev
	$(BIN)/pytest -n auto --dist loadgroup -m "not browser"

test-browser: dev
	$(BIN)/pytest -m browser

check: dev lint test ## Lint, types, layers, dependencies, then the tests

lint: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/djlint --check --lint --quiet templates

bench: dev ## Time pages, saves, checks, test sends, plans and exports beside the peers they name
	$(BIN)/python -m tests.bench

torture: dev ## The long kill and fault rounds
	POSTROOM_TORTURE=1 $(BIN)/pytest -n auto --dist loadgroup -m "not browser" tests/services tests/cli/test_killed.py tests/*/test*hostile*.py --timeout 3600

lock: dev ## Resolve the dependencies anew
	$(COMPILE) -o requirements.lock
	$(COMPILE) --group dev -c requirements.lock -o requirements-dev.lock

vendor: dev ## Copy the pinned front-end libraries into static/vendor (maintainers; needs npm)
	$(BIN)/python .ci/vendor.py

clean: ## Remove what was installed and built; instance/ stays
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis test-results

dev: $(VENV)/.installed-dev
	@.ci/system-packages

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Postroom needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(if $(UV),true,$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv. Then repeat." >&2; exit 1; })
	@echo "Making $(VENV)" >&2
	@$(if $(UV),$(UV) venv --quiet --python $(PYTHON) $(VENV),$(PYTHON) -m venv $(VENV))

$(VENV)/.installed: requirements.lock pyproject.toml webapp/__init__.py | $(VENV)/bin/python
	@echo "Installing the locked dependencies" >&2
	@$(SYNC) --require-hashes -r requirements.lock
	@$(SYNC) --no-deps --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	@echo "Installing what the tests need" >&2
	@$(SYNC) --require-hashes -r requirements-dev.lock
	@touch $@
