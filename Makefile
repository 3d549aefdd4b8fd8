# What a person and the workflows run alike. Needs GNU make 4, Python 3.11 or newer and a POSIX shell.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -q
# A stamp stands for a finished step, so that the second run of a target costs nothing.
MADE := $(VENV)/made.stamp
RUNTIME := $(VENV)/runtime.stamp
DEV := $(VENV)/dev.stamp
LOCK := $(VENV)/lock.stamp
PYTEST_ARGS ?= -q -n auto
BENCH_ARGS ?=
LOCK_ARGS ?=

.PHONY: help venv demo test fuzz check lint format docs lock bench quality clean

help: ## Show the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(DEV) ## Create .venv with secpipe and everything for working on it

demo: $(RUNTIME) ## Lint and scan the examples, offline, and write secpipe.sarif
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh scripts/demo.sh

test: $(DEV) ## Install what the tests need, a real registry included, and run them all
	@sh scripts/test-programs.sh
	$(BIN)/python -m pytest $(PYTEST_ARGS)

fuzz: $(DEV) ## Try many more generated Dockerfiles, tars and manifests than the tests do (FUZZ_EXAMPLES=20000)
	SECPIPE_FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),5000) $(BIN)/python -m pytest tests/fuzz -q

check: lint test ## What CI runs: format, lint, types, import contracts, tests

lint: $(DEV)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zizmor --offline --no-progress --quiet .github action.yml

format: $(DEV) ## Format the code and apply the safe fixes
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

docs: $(RUNTIME) ## Write docs/rules from rules/, share/ from the commands
	$(BIN)/python scripts/rules.py
	$(BIN)/python scripts/share.py

bench: $(RUNTIME) ## Measure against hadolint and trivy where they are installed (see benchmarks/README.md)
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

quality: $(DEV) ## Try every match case and order of versions, and agreement on real advisories (DATA=DIR, see docs/agreement.md)
	$(if $(DATA),SECPIPE_TEST_DATA="$(DATA)") $(BIN)/python -m pytest tests/match tests/versions $(PYTEST_ARGS) -ra

lock: $(LOCK) ## Write requirements/*.txt (newer versions: LOCK_ARGS=--upgrade)
	sh scripts/lock.sh $(BIN)/uv $(LOCK_ARGS)

clean: ## Remove .venv and everything that was built
	rm -rf $(VENV) build dist secpipe.sarif .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A Python that the system has replaced leaves a dead link behind.
ifeq ($(wildcard $(BIN)/python),)
$(MADE): FORCE
endif

FORCE:

$(MADE):
	@sh scripts/venv.sh $(VENV)
	@touch $@

$(RUNTIME): $(MADE) requirements/runtime.txt requirements/build.txt pyproject.toml
	$(PIP) install --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@# An editable install compiles nothing, and some environments forbid Python to do it later.
	@$(BIN)/python -m compileall -q secpipe
	@touch $@

$(DEV): $(RUNTIME) requirements/dev.txt requirements/fleet.txt
	$(PIP) install --require-hashes -r requirements/fleet.txt -r requirements/dev.txt
	@touch $@

$(LOCK): $(MADE) requirements/lock.txt
	$(PIP) install --require-hashes -r requirements/lock.txt
	@touch $@
