# Two commands: `make paper` rebuilds the paper from raw data, `make test` passes the tests.
# Both first install the locked environment into .venv (once; again only when requirements.lock changes).

SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed-$(shell sha256sum requirements.lock pyproject.toml 2>/dev/null | sha256sum | cut -c1-16)
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1
# Text is UTF-8, whatever the locale of the machine or of a library.
export PYTHONUTF8 := 1

.PHONY: paper test quick soak lint types contracts lock clean help check-machine
.DEFAULT_GOAL := help

help:
	@echo "make paper   install, rebuild everything from raw data and render the documents (report/_output)"
	@echo "make test    install and run all tests;  make quick   statistics and contracts alone;  make soak   what is drawn at length"
	@echo "make lint    style;  make types   static types;  make contracts   layers between rooms"
	@echo "make lock    resolve requirements.lock anew from pyproject.toml"

paper: $(STAMP)
	dvc repro
	@echo "the documents:"; ls -1 report/_output/*.html report/_output/*.docx report/_output/*.pdf

test: $(STAMP)
	pytest -n 2 --dist loadfile --no-loadscope-reorder --doctest-modules tests vcfstats

# The ground floor: statistics and contracts, in less than two minutes on two cores.
quick: $(STAMP)
	pytest -n 2 --dist loadfile --no-loadscope-reorder tests/statistics tests/contracts

# What is drawn at length: fuzzers, small studies to the page, emulated processors.
soak: $(STAMP)
	pytest -n 2 -m soak --durations 10 tests

lint: $(STAMP)
	ruff check . && ruff format --check .

types: $(STAMP)
	mypy

contracts: $(STAMP)
	lint-imports

# Debian splits Python into packages; PyRadiomics is compiled from source and needs gcc and Python.h.
check-machine:
	@missing=; \
	command -v git >/dev/null || missing="$$missing git"; \
	command -v gcc >/dev/null || missing="$$missing gcc"; \
	if command -v $(PYTHON) >/dev/null; then \
	  $(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || missing="$$missing python3.11-venv"; \
	  $(PYTHON) -c 'import sysconfig, pathlib, sys; sys.exit(not (pathlib.Path(sysconfig.get_path("include")) / "Python.h").is_file())' \
	    || missing="$$missing python3.11-dev"; \
	else missing="$$missing python3.11 python3.11-venv python3.11-dev"; fi; \
	if [ -n "$$missing" ]; then \
	  echo "This machine lacks:$$missing" >&2; \
	  echo "On Debian 12, as root:  apt-get install$$missing" >&2; \
	  echo "Elsewhere, install Python 3.11 with its headers, git and a C compiler, or name the interpreter: make PYTHON=/path/to/python3.11 ..." >&2; \
	  exit 1; \
	fi

# pip checks every hash of the lock; --no-deps, since the lock is complete. Compiled once: imports are four times faster.
$(STAMP): requirements.lock pyproject.toml | check-machine
	@echo "installing the locked environment into $(VENV) (about $(shell grep -c '^[a-zA-Z]' requirements.lock) packages)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	rm -f $(VENV)/.installed-*
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -o '^uv==[0-9.]*' requirements.lock)"
	VIRTUAL_ENV=$(CURDIR)/$(VENV) uv pip sync --require-hashes --compile-bytecode requirements.lock
	VIRTUAL_ENV=$(CURDIR)/$(VENV) uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

lock:
	uv pip compile pyproject.toml --extra dev --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -o requirements.lock

clean:
	rm -rf $(VENV) .vcfstats-cache data models report/_output
