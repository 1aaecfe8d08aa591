# Two commands do everything on a machine with Python >= 3.10, make and a C++20 compiler:
#   make demo   sets up .venv, builds, installs, and trains a network on a small data set
#   make test   the same with the test tools, then lint and the whole test suite against the installed package
# Beyond these: make format, make sanitize, make clean.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# BITLOCAL_WERROR=1 turns compiler warnings into errors; CI does.
SETTINGS := $(if $(BITLOCAL_WERROR),-Ccmake.define.BITLOCAL_WERROR=ON)
CXX_FILES := $(wildcard src/core/*.[hc]pp src/bindings/*.cpp tests/*.cpp)
BUILT_FROM := pyproject.toml CMakeLists.txt README.md $(wildcard src/core/* src/bindings/*) \
  $(shell find src/bitlocal -name '*.py*' -not -path '*/__pycache__/*')

.PHONY: demo test lint format sanitize clean

demo: $(VENV)/.installed
	$(BIN)/bitlocal train digits --out digits.safetensors
	@echo
	@echo 'Try next, after: source $(BIN)/activate'
	@echo '  bitlocal info digits.safetensors'
	@echo '  bitlocal predict digits.safetensors digits | head'
	@echo '  bitlocal train fashion-mnist --hidden 1035,525'
	@echo '  bitlocal train your-table.csv --target label'
	@echo '  bitlocal train --help'

test: $(VENV)/.installed-test lint
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-test
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(CXX_FILES)

format: $(VENV)/.installed-test
	$(BIN)/ruff check --fix src tests benchmarks
	$(BIN)/ruff format src tests benchmarks
	$(BIN)/clang-format -i $(CXX_FILES)

# The core's own tests under the address, undefined-behaviour and thread sanitizers.
sanitize: $(VENV)/.installed-test
	for kind in address,undefined thread; do \
	  $(BIN)/cmake -S . -B build/sanitize-$$kind -DBITLOCAL_PYTHON=OFF -DBITLOCAL_SANITIZE=$$kind \
	    -DCMAKE_BUILD_TYPE=RelWithDebInfo && \
	  $(BIN)/cmake --build build/sanitize-$$kind && \
	  $(BIN)/ctest --test-dir build/sanitize-$$kind --output-on-failure || exit 1; \
	done

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "bitlocal needs Python 3.10 or newer; set PYTHON=, as in: make demo PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV) || { echo "No venv module: on Debian or Ubuntu, apt-get install python3-venv"; \
	  rm -rf $(VENV); exit 1; }

$(VENV)/.installed: $(VENV)/bin/python $(BUILT_FROM)
	$(BIN)/python -m pip install --quiet $(SETTINGS) .
	@touch $@

$(VENV)/.installed-test: $(VENV)/bin/python $(BUILT_FROM)
	$(BIN)/python -m pip install --quiet $(SETTINGS) '.[test]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist digits.safetensors
