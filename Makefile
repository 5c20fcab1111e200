# Needs Python 3.11+ and, the first time, PyPI. Nothing else is installed or changed on the machine.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
LOCKS  := requirements/dev.txt

.DEFAULT_GOAL := help
.PHONY: help demo test check bench docs clean

help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

demo: $(STAMP) ## break a real service and watch it being mended (ARGS="--fault missing-index")
	@$(BIN)/python -m steadyhand demo $(ARGS)

test: check ## everything that must hold; lab, browser and client tests skip, with a reason, what is not there
	$(BIN)/python tests/run.py $(ARGS)

check: $(STAMP) ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## figures of the judge (others take the path of their data)
	$(BIN)/python bench/judge.py

docs: $(STAMP) ## the blocks of the documentation, run
	$(BIN)/python -m pytest tests/shape

clean: ## remove the virtual environment and what demos left
	rm -rf $(VENV) .steadyhand

$(STAMP): pyproject.toml $(LOCKS)
	@$(PYTHON) -c 'import sys; sys.exit("Steadyhand needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCKS)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
