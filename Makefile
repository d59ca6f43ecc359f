# `make run` and `make test` need only Python ≥ 3.11 and make; the rest is installed into .venv.
PYTHON ?= python3
JOBS ?= 3
BENCH ?= capture
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime-installed
DEV := $(VENV)/.dev-installed

.DEFAULT_GOAL := help
.PHONY: help run test check docs bench soak audit licences install clean

help:
	@echo "make run      start the app and open it in a browser"
	@echo "make test     run all tests, Chromium's among them"
	@echo "make check    lint and type-check"
	@echo "make docs     write docs/api.md from the docstrings, and the tables of docs/links.md and docs/lessons.md"
	@echo "make bench    run benchmarks/$(BENCH).py (BENCH=name picks another)"
	@echo "make soak     let people come and go for an hour and see whether memory stays flat"
	@echo "make audit    ask for known vulnerabilities in what the app needs"
	@echo "make licences write docs/licences.md from what is installed"
	@echo "make install  only install what the app needs into $(VENV)"
	@echo "make clean    remove $(VENV), caches and test artefacts"

run: $(RUNTIME)
	$(BIN)/streamlit run app.py $(ARGS)

# Compiled files are kept, for the tests start many processes. One computing thread each: the workers already share the
# cores, and there is one more of them than cores, for tests wait for browsers and servers. A file's tests stay together,
# so that a started app or a loaded model serves all of them; the files keep their order, in which the long ones do not
# come last.
test: $(DEV)
	$(BIN)/python tools/ensure_chromium.py
	$(BIN)/python tools/ensure_nginx.py
	OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -m "not soak" -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/oxlint --deny-warnings
	$(BIN)/mypy

docs: $(DEV)
	$(BIN)/python -m tools.api_reference
	$(BIN)/python -m tools.link_table
	$(BIN)/python -m tools.figure_table

bench: $(DEV)
	$(BIN)/python -m benchmarks.$(BENCH) $(ARGS)

# An hour, and not part of `make test`; SOAK_MINUTES=5 make soak is a short one.
soak: $(DEV)
	$(BIN)/python -m benchmarks.soak

# Ends well where the service cannot be reached, and says so; ARGS=--strict does not.
audit: $(DEV)
	$(BIN)/python -m tools.audit $(ARGS)

licences: $(DEV)
	$(BIN)/python -m tools.licences $(ARGS)

install: $(RUNTIME)

clean:
	rm -rf $(VENV) .artifacts .pytest_cache .hypothesis .mypy_cache .ruff_cache build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are newer than the requirements they were installed from; a changed file installs again.
$(RUNTIME): requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt $(RUNTIME)
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Headlight needs Python 3.11 or newer. If you have one under another name: make PYTHON=python3.12 …"; \
		exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		rm -rf $(VENV); \
		echo "Python could not make $(VENV). On Debian and Ubuntu: apt-get install python3-venv"; \
		exit 1; }
