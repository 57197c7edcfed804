# Everything a fresh machine needs: `make demo` runs the default competition, `make test` the tests. Both set up
# their own virtual environment in .venv first.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo test lint bench generated

help:
	@echo "make demo   run the default competition (Reuters R8) to results/submission.csv"
	@echo "make test   run the tests"
	@echo "make lint   run the linters"
	@echo "make bench  list the measurements"

.venv/installed: envs/requirements.txt envs/constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("podium needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(PIP) install --requirement envs/requirements.txt --constraint envs/constraints.txt
	@touch $@

.venv/installed-dev: .venv/installed envs/dev.txt envs/bench.txt envs/lora.txt envs/translate.txt
	$(PIP) install --requirement envs/dev.txt --constraint envs/constraints.txt
	@touch $@

demo: .venv/installed
	$(BIN)/snakemake all check_holdout

test: .venv/installed-dev
	$(BIN)/python -m pytest -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check .
	$(BIN)/snakemake --lint

bench: .venv/installed
	$(PIP) install --requirement envs/bench.txt --constraint envs/constraints.txt
	@$(BIN)/python -m bench

generated: .venv/installed
	$(BIN)/python -m podium schema workflow/schemas/config.schema.json
	$(BIN)/python -m podium reference docs/config.md
	$(BIN)/python -m podium environment envs/cpu.yaml
