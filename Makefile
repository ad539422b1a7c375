# Two commands on a fresh machine: `make demo` and `make test`. `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements.lock
PYTHON ?= python3
UV = $(shell command -v uv 2>/dev/null || echo $(CURDIR)/build/bootstrap/bin/uv)

.PHONY: help install demo test check lint types contracts docs proto lock clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

build/uv-ready:
	@mkdir -p build
	@command -v uv >/dev/null 2>&1 || { \
	  echo "uv is not installed; putting it into build/bootstrap"; \
	  $(PYTHON) -m venv build/bootstrap && build/bootstrap/bin/pip install --quiet uv; }
	@touch $@

$(VENV)/ready: build/uv-ready $(LOCK) pyproject.toml
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes $(LOCK)
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

install: $(VENV)/ready ## make the isolated environment from the lock file

demo: $(VENV)/ready ## run the whole loop over a year of real flights, and write a report
	@$(BIN)/homeostat backtest --project examples/flights --scenario examples/flights/scenario.yaml \
	  --to 2014-01-01 --state build/demo --overwrite --html build/demo-report.html

test: $(VENV)/ready ## set up and run all tests
	@$(BIN)/pytest -n 2 --dist loadgroup

check: lint types contracts ## ruff, mypy --strict, import contracts

lint: $(VENV)/ready ## style
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/ready ## types, strict
	@$(BIN)/mypy

contracts: $(VENV)/ready ## arrows only point down
	@$(BIN)/lint-imports --no-cache

docs: $(VENV)/ready ## write the generated parts of the manual anew
	@$(BIN)/python docs/generate.py

PROTO := src/homeostat/gateway/v2/grpc
proto: $(VENV)/ready ## write the generated gRPC messages anew
	@$(BIN)/python -m grpc_tools.protoc -I$(PROTO) --python_out=$(PROTO) $(PROTO)/open_inference.proto

lock: build/uv-ready ## resolve the newest versions into the lock file
	$(UV) pip compile --quiet --universal --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --python-version 3.11 --all-extras --group dev pyproject.toml -o $(LOCK)

clean: ## remove what the build made
	rm -rf build .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
