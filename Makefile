# kazoo-operator: a fresh machine needs python3 (3.11 or newer), make and gcc; these targets bring the rest.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
UV_VERSION := 0.13.9
CACHE := .cache
UV := $(CACHE)/uv/bin/uv
VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -P -m pytest
LOCK := $(UV) pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate

# Compiled once: without it every process that a test starts compiles the libraries anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help install lock check layout lint types imports generated generate unit long cluster-test soak test bench bench-sandbox \
        control-plane demo up down clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

$(UV):
	@echo "==> uv $(UV_VERSION)" >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(CACHE)/uv
	@$(CACHE)/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.installed: requirements-dev.lock pyproject.toml | $(UV)
	@echo "==> .venv with everything pinned" >&2
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
	@VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip sync --quiet --compile-bytecode --require-hashes requirements-dev.lock
	@VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

install: $(VENV)/.installed ## a .venv with everything pinned; .venv/bin/kazoo-operator works

lock: | $(UV) ## write requirements.lock and requirements-dev.lock anew
	$(LOCK) pyproject.toml --output-file requirements.lock
	$(LOCK) --extra dev --constraint requirements.lock pyproject.toml --output-file requirements-dev.lock

# What may not land.

layout: install ## the rules of the tree; first, since pytest cannot even start when they are broken
	@$(PYTEST) -q tests/test_layout.py

lint: install ## ruff: style and format
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .

types: install ## mypy --strict
	@$(BIN)/mypy
	@$(BIN)/mypy tools/*.py
	@MYPYPATH=tools/control-plane $(BIN)/mypy tools/control-plane/control_plane.py

imports: install ## the import contracts
	@$(BIN)/lint-imports

generate: install ## write crds/ and docs/rules/ anew
	@$(BIN)/kazoo-operator crds --output crds
	@$(RUN) tools.rule_pages docs/rules

generated: install ## crds/ and docs/rules/ are what the models and the rules give
	@rm -rf $(CACHE)/crds && $(BIN)/kazoo-operator crds --output $(CACHE)/crds
	@diff -ru --exclude=kustomization.yaml $(CACHE)/crds crds || { echo "run make generate"; exit 1; }
	@$(RUN) tools.rule_pages $(CACHE)/rules
	@diff -ru $(CACHE)/rules docs/rules || { echo "run make generate"; exit 1; }

check: layout lint types imports generated ## layout, lint, types, imports, generated files

# Tests. `make test` is everything a submission must pass.

# What runs over real HTTP, processes by the dozen, or what is made up by the hundred.
LONG := tests/cli tests/control_plane tests/engine tests/faults tests/golden tests/planning tests/sandbox \
  $(wildcard tests/laws/test_law_6*.py tests/backend/test_conformance*.py) tests/backend/test_rate_limits.py \
  tests/backend/test_estimates_over_the_sandbox.py tests/core/test_two_evaluators.py tests/rules/test_corpus.py \
  tests/kube/test_serve.py tests/kube/test_term.py

# Many of these tests wait for something: one worker more than there are cores.
WORKERS = $(shell $(PYTHON) -c 'import os; print(os.cpu_count() + 1)')

unit: install ## tests of the parts by themselves: a minute
	@$(PYTEST) -q -n $(WORKERS) -m "not cluster and not soak" $(LONG:%=--ignore=%) tests

long: install ## tests over a sandbox and of processes, without a cluster: minutes
	@$(PYTEST) -q -n $(WORKERS) -m "not cluster and not soak" $(LONG)

# Not the whole folder: each worker would take its time to look through it. What takes long begins first.
LONGEST := $(addprefix tests/cluster/test_,account.py life.py api_server_faults.py)
CLUSTERED = $(LONGEST) $(filter-out $(LONGEST),$(shell grep -rl --include="test_*.py" "mark.cluster" tests))

# Each worker has a control plane of its own, and a file's tests stay with one.
cluster-test: install control-plane ## tests against a real kube-apiserver and etcd
	@$(PYTEST) -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "cluster and not soak" $(CLUSTERED)

soak: install control-plane ## kills at every call and at random, specs that nobody thought of; an hour; KILLS=100 SEED=
	@$(PYTEST) -q -n $(WORKERS) -m "hypothesis and not soak" --hypothesis-profile=explore tests
	@KILLS=$(KILLS) SEED=$(SEED) $(PYTEST) -q -s -m "soak" --hypothesis-profile=explore tests

test: unit long cluster-test ## everything a submission must pass

control-plane: ## obtain etcd, kube-apiserver, kube-controller-manager and kubectl; prints their folder last
	@$(PYTHON) -P tools/control-plane/control_plane.py build

clean: ## remove what make made in this folder; downloaded binaries stay in the user's cache
	rm -rf $(VENV) $(CACHE) .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# To try it.

# The present kube context needs no API server of our own.
OWN := $(if $(filter current,$(CLUSTER)),true,$(PYTHON) -P tools/control-plane/control_plane.py build >/dev/null)

RUN := PYTHONPATH=. $(BIN)/python -P -m

demo: install ## everything on this machine, from nothing to an account that is Ready
	@$(OWN)
	@$(RUN) tools.demo demo

up: install ## the same parts, left running; prints what to export
	@$(OWN)
	@$(RUN) tools.demo up

down: install ## stop what `make up` started
	@$(RUN) tools.demo down

ACCOUNTS ?= 300
RATE ?= 10000

bench: install control-plane ## 1,000 files through validate; many accounts at once: seconds, CPU, memory, writes; ACCOUNTS=300
	@$(RUN) tools.bench_validate 1000
	@$(RUN) tools.bench $(ACCOUNTS) $(RATE)

# Many is more for a sandbox than for an operator in a hurry.
bench-sandbox: ACCOUNTS = 10000
bench-sandbox: install ## what the sandbox gives and costs with 10,000 accounts, beside a bare model; ACCOUNTS=10000
	@$(RUN) tools.bench_sandbox $(ACCOUNTS)
