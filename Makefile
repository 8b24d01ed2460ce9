# Everything from a bare Python: each target makes .venv on its first use, with no more in it than it needs.
#
#   make demo     the first study, from nothing to its report (6 to 7 minutes on 2 cores, once installed)
#   make test     all tests but the slow ones and those in a browser
#   make check    lint, format, types, layers, names, defaults
#   make docs     the documentation, warnings are errors
#   make browser  tests that look at pages in Chromium
#   make bench    hot loops against their peers
#   make claims   measure the claims that are due, at scale cpu (onset 25 to 45 minutes on 2 cores, all studies 1.2 hours); go on where it stopped

VENV := .venv
BIN := $(VENV)/bin
PINS := pyproject.toml constraints.txt
ONE_THREAD := OMP_NUM_THREADS=1

# A Python of at least 3.11 that can make environments: python3 if it is one, else the newest on the path.
# Override it with: make demo PYTHON=/path/to/python
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

.PHONY: help demo test check docs bench claims browser clean

help:
	@sed -n 's/^#   //p' Makefile

demo: $(VENV)/.core
	$(BIN)/byheart study onset --scale demo

test: $(VENV)/.dev
	$(ONE_THREAD) $(BIN)/python -m pytest -q -n 2 -m "not slow and not browser"

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py tests/test_house.py tests/test_identity.py tests/test_public_names.py

docs: $(VENV)/.docs
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(VENV)/.bench
	@missed=0; for file in $$(grep -l __main__ benchmarks/*.py); do \
	  echo "== $$file"; $(ONE_THREAD) $(BIN)/python $$file || missed=1; done; exit $$missed

claims: $(VENV)/.core
	$(BIN)/byheart claims --measure due --record

browser: $(VENV)/.dev
	$(ONE_THREAD) $(BIN)/python -m pytest -q -m browser

clean:
	rm -rf dist build docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find src tests benchmarks examples docs -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp a set of parts: made once, and again when the metadata or the pins change.
$(VENV)/.core: EXTRA :=
$(VENV)/.dev: EXTRA := [dev]
$(VENV)/.docs: EXTRA := [docs]
$(VENV)/.bench: EXTRA := [bench]

$(VENV)/.core $(VENV)/.dev $(VENV)/.docs $(VENV)/.bench: $(PINS) | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.$(EXTRA)'
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "error: no Python >= 3.11 with venv on the path" >&2; \
	  echo "need:  python3 of version 3.11 or later, with its venv module" >&2; \
	  echo "remedy: install it (Debian: apt-get install python3-venv), or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
