# Everything runs from virtual environments made here, from pins with hashes. Needed: make and
# Python 3.11 or newer. A stamp file says which pins an environment holds, so that a second call
# installs nothing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two installs into one environment must not meet.
.NOTPARALLEL:

# The first interpreter that is new enough. It is run, not looked up: a version manager's shim may
# exist without its Python.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(NEW_ENOUGH)' 2>/dev/null && echo "$$python" && break; done)

VENV := .venv
BENCH := .venv-bench
PIP := -m pip --disable-pip-version-check install --quiet

# The developers' pins contain those of a run: where they are in, a demo needs nothing more.
RUN := $(if $(wildcard $(VENV)/pins-dev),$(VENV)/pins-dev,$(VENV)/pins-run)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(RUN) $(VENV)/project ## Run a template in the sandbox, and see every fault undone
	$(VENV)/bin/faultbridge demo

.PHONY: test
test: $(VENV)/pins-dev $(VENV)/project ## Run all tests that need nothing but this machine
	$(VENV)/bin/python -m pytest -n 3 --dist loadfile

.PHONY: lint
lint: $(VENV)/pins-dev $(VENV)/project ## Check style, types and layers
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# In virtual time, so that two at once do not disturb each other; real processes run alone.
EVERY := $(VENV)/bin/python -m pytest -m "not real_cluster and not pipelines"
IN_PROCESS := $(addprefix tests/crash/test_,every_point.py every_fault.py mutants.py soak.py)

.PHONY: crash
crash: $(VENV)/pins-dev $(VENV)/project ## Kill the bridge at every point of every fault, not at a choice of them
	FAULTBRIDGE_CRASH=full $(EVERY) -n 2 --dist worksteal $(IN_PROCESS)
	FAULTBRIDGE_CRASH=full $(EVERY) -s tests/crash $(IN_PROCESS:%=--ignore=%)
	FAULTBRIDGE_CRASH=full $(EVERY) -s tests/durable
	FAULTBRIDGE_CRASH=full FAULTBRIDGE_CRASH_SEED=$(SEED) FAULTBRIDGE_CRASH_CASE=$(CASE) \
		$(EVERY) -s tests/crash_processes

N ?= 1000
SEED ?= 1

.PHONY: soak
soak: $(VENV)/pins-dev $(VENV)/project ## Play N random runs with random deaths and trouble, from SEED on
	$(VENV)/bin/python -m tests.crash.soak --number $(N) --seed $(SEED)

FUZZ ?= 300

.PHONY: fuzz
fuzz: $(VENV)/pins-dev $(VENV)/project ## Try FUZZ examples of each kind on every route, and of every property
	FAULTBRIDGE_FUZZ=$(FUZZ) $(VENV)/bin/python -m pytest -n 2 tests/security/test_fuzz.py
	FAULTBRIDGE_FUZZ=$(FUZZ) $(VENV)/bin/python -m pytest -n 2 -m hypothesis

.PHONY: conformance
conformance: $(VENV)/pins-dev $(VENV)/project ## Hold the emulators to account with real clients
	$(VENV)/bin/python -m pytest -s tests/conformance

.PHONY: real-cluster
real-cluster: $(VENV)/pins-dev $(VENV)/project ## Run the tests that need a real kube-apiserver
	$(VENV)/bin/python -m pytest -m real_cluster

.PHONY: slow
slow: $(VENV)/pins-dev $(VENV)/project ## Run the tests that take too long for every day
	$(VENV)/bin/python -m pytest -n 2 -m slow

.PHONY: pipelines
pipelines: $(VENV)/pins-dev $(VENV)/project ## Run whole pipelines and runbooks against a sandbox
	$(VENV)/bin/python -m pytest -m pipelines

.PHONY: bench
bench: $(BENCH)/pins-bench $(BENCH)/project ## Measure start-up latency and API calls beside Chaos Toolkit
	$(BENCH)/bin/python benchmarks/run

.PHONY: bench-clouds
bench-clouds: $(VENV)/pins-dev $(VENV)/project ## Measure whole runs in each cloud beside its bare SDK
	$(VENV)/bin/python benchmarks/clouds

.PHONY: bench-stopping
bench-stopping: $(VENV)/pins-dev $(VENV)/project ## Measure how soon a run that is stopped undoes
	$(VENV)/bin/python benchmarks/stopping

.PHONY: bench-scale
bench-scale: $(BENCH)/pins-bench $(BENCH)/project ## Measure thousands of runs, targets and stored experiments
	$(BENCH)/bin/python benchmarks/scale $(OPTIONS)

.PHONY: bench-workers
bench-workers: $(VENV)/pins-dev $(VENV)/project ## Measure how late many workers on PostgreSQL are
	$(VENV)/bin/python benchmarks/workers

.PHONY: bench-triggers
bench-triggers: $(VENV)/pins-dev $(VENV)/project ## Measure what a cold start of each trigger costs
	$(VENV)/bin/python benchmarks/triggers

.PHONY: serverless-package
serverless-package: $(VENV)/pins-dev $(VENV)/project ## Package the service for AWS Lambda, and check the package
	npm ci --prefix deploy/serverless --no-audit --no-fund --ignore-scripts --loglevel=error
	$(VENV)/bin/python -m deploy.serverless.package $(PARAMS)

# The present pins are what uv prefers: only what the declarations force changes. `make pins
# UPGRADE=--upgrade` takes the newest of everything.
COMPILE = $(VENV)/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command 'make pins' $(UPGRADE)

SERVICE := --extra aws --extra azure --extra gcp --extra kubernetes --extra postgres
# What the functions of serverless.yml run on: Lambda's arm64 and Python 3.13.
COMPILE_LAMBDA = $(VENV)/bin/uv pip compile pyproject.toml --quiet --python-version 3.13 \
	--python-platform aarch64-manylinux_2_28 --generate-hashes --no-emit-index-url \
	--custom-compile-command 'make pins' $(UPGRADE)

SERVERLESS := --extra lambda --extra cloud-functions --extra azure-functions

.PHONY: pins
pins: $(VENV)/pins-dev ## Recompile .ci/requirements/ from pyproject.toml
	$(COMPILE) --extra sandbox --group install -o .ci/requirements/run.txt
	$(COMPILE) $(SERVICE) --group install -c .ci/requirements/run.txt -o .ci/requirements/service.txt
	$(COMPILE) --extra sandbox --extra postgres $(SERVERLESS) --group dev -c .ci/requirements/run.txt -o .ci/requirements/dev.txt
	$(COMPILE_LAMBDA) --extra aws --extra kubernetes --extra lambda --extra postgres -c .ci/requirements/dev.txt -o .ci/requirements/lambda.txt
	$(COMPILE) --extra sandbox --extra postgres --group bench -c .ci/requirements/run.txt -o .ci/requirements/bench.txt

ENGINE ?= $(shell for engine in docker podman; do \
	$$engine info >/dev/null 2>&1 && echo $$engine && break; done)

.PHONY: image
image: ## Build the container image, where docker or podman runs
	@if [ -z "$(ENGINE)" ]; then \
		echo "No container engine answers here: start docker or podman, or name one: make image ENGINE=..." >&2; \
		exit 1; \
	fi
	$(ENGINE) build -t faultbridge:$$(sed -n 's/^__version__ = "\(.*\)"/\1/p' bridge/__init__.py) .

.PHONY: clean
clean: ## Remove the environments and all that tools left behind
	rm -rf $(VENV) $(BENCH) build dist .serverless deploy/serverless/node_modules
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python $(BENCH)/bin/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "No Python 3.11 or newer was found: install one, or name it: make PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi
	$(PYTHON) -m venv $(@D:/bin=)

$(VENV)/pins-%: .ci/requirements/%.txt | $(VENV)/bin/python
	@echo "Installing $< (about a minute, and only when it changes)"
	@$(VENV)/bin/python $(PIP) --require-hashes -r $<
	@touch $@

$(BENCH)/pins-%: .ci/requirements/%.txt | $(BENCH)/bin/python
	@echo "Installing $< (about a minute, and only when it changes)"
	@$(BENCH)/bin/python $(PIP) --require-hashes -r $<
	@touch $@

# Editable, so that only a change of metadata or entry points needs it again. Without isolation:
# the pinned build backend builds it; the targets above list its pins first.
$(VENV)/project $(BENCH)/project: pyproject.toml
	@$(@D)/bin/python $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
