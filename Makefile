# Everything runs in an environment of its own under .venv; only Python 3.11+ and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROTOS := $(wildcard protos/bonafides/v1/*.proto) protos/build_hook.py
DATA ?=
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help run demo test search check bench engines faults trust retrain package baseline format protos features clean
help: ## Lists the targets.
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

$(VENV)/compiled: $(PROTOS) $(VENV)/installed
	$(BIN)/python protos/build_hook.py
	@touch $@

protos: $(VENV)/compiled ## Compiles protos/ into service/bonafides/v1.

run: $(VENV)/compiled ## Loads sample data and serves on 127.0.0.1:50051.
	$(BIN)/python scripts/run_sandbox.py

demo: $(VENV)/compiled ## Runs the whole flow once and prints the views; DATA=folder adds real records.
	$(BIN)/python scripts/demo.py $(if $(DATA),--data $(DATA))

test: $(VENV)/compiled ## Runs every test, on SQLite and PostgreSQL.
	$(BIN)/python -m pytest -n 2 --dist loadgroup

search: $(VENV)/compiled ## Tries properties and laws on many more examples than tests do, other ones each time.
	$(BIN)/python -m pytest -n 2 --dist loadgroup --hypothesis-profile=search -m "hypothesis or law"

features: $(VENV)/compiled ## Prints the features with the tests that prove each.
	$(BIN)/python -m pytest --collect-only -q --features

format: $(VENV)/compiled ## Formats code and protos.
	$(BIN)/python scripts/unasync.py
	ruff format . && ruff check --fix . && buf format -w protos

check: $(VENV)/compiled ## Runs what CI runs.
	ruff format --check .
	ruff check .
	buf format -d --exit-code protos
	cd protos && buf lint ../build/image.binpb
	cd protos && buf breaking ../build/image.binpb --against baseline.binpb
	mypy
	lint-imports
	$(MAKE) test

$(VENV)/benched: pyproject.toml | $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench]'
	@touch $@

bench: $(VENV)/compiled $(VENV)/benched ## Measures this machine's ratios, to build/bench.json; QUICK=1 in two minutes, FULL=1 at length.
	$(BIN)/python -m scripts.bench $(if $(QUICK),--quick) $(if $(FULL),--full)

engines: $(VENV)/compiled $(VENV)/benched ## Holds points and levels of a million rows on four engines against numpy; ROWS=n others.
	$(BIN)/python scripts/compare_engines.py $(if $(ROWS),--rows $(ROWS))

faults: $(VENV)/compiled ## Breaks the service on purpose, to build/faults.json; QUICK=1 a little of it, SEED=n again.
	$(BIN)/python -m scripts.faults $(if $(QUICK),--quick) $(if $(SEED),--seed $(SEED))

$(VENV)/proving: pyproject.toml | $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,trust]'
	@touch $@

trust: $(VENV)/compiled $(VENV)/proving ## Tries to get at what is protected, to build/trust.json; QUICK=1 in three minutes.
	$(BIN)/python -m scripts.trust $(if $(QUICK),--quick)

retrain: $(VENV)/compiled ## Fits a scorecard to generated data, with a report, into build/retrain; SEED=n others.
	$(BIN)/python scripts/retrain.py $(if $(SEED),--seed $(SEED))

baseline: $(VENV)/compiled ## Makes today's protos what breaking changes are measured against.
	cd protos && buf build ../build/image.binpb --exclude-source-info -o baseline.binpb

package: $(VENV)/compiled ## Builds sdist and wheel, and tries the wheel in an environment of its own.
	rm -rf build/dist build/try
	$(BIN)/python -m build --outdir build/dist . >build/package.log 2>&1 || { cat build/package.log; exit 1; }
	$(PYTHON) -m venv build/try
	build/try/bin/python -m pip install --quiet --disable-pip-version-check build/dist/*.whl
	cd build && try/bin/bonafides --help >/dev/null && try/bin/python -c "from bonafides.rating.scorecard import champion; print('installed wheel serves card', champion(None).version)"

clean: ## Removes what the build made; keeps data.
	rm -rf build dist $(VENV) service/bonafides/v1
