# Two commands do everything on a machine with Python >= 3.10, make and a C++20 compiler:
#   make demo   sets up .venv, builds, installs, and trains a network on a small data set
#   make test   the same with the test tools, then lint and the whole test suite against the installed package
# Beyond these: make format, make test-torch, make sanitize, make stress, make test-arm, make test-avx512,
# make test-device, make demo-device, make fuzz, make clean.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# BITLOCAL_WERROR=1 turns compiler warnings into errors; CI does.
SETTINGS := $(if $(BITLOCAL_WERROR),-Ccmake.define.BITLOCAL_WERROR=ON)
# Of the templates of exported C, those that are C as they stand; the others are pieces of functions.
TEMPLATES := src/bitlocal/export/c99/templates
CXX_FILES := $(wildcard src/core/*.[hc]pp src/core/*/*.[hc]pp src/bindings/*.[hc]pp tests/*.cpp tests/seams/*.hpp \
  tools/*/*.[hc] $(TEMPLATES)/*.c $(TEMPLATES)/layouts/*.c benchmarks/device/*/*.[hc] examples/device/*.c)
BUILT_FROM := pyproject.toml CMakeLists.txt README.md $(wildcard src/core/* src/core/*/* src/bindings/*) \
  $(shell find src/bitlocal -name '*.py*' -not -path '*/__pycache__/*') $(shell find $(TEMPLATES) -type f)

.PHONY: demo test test-torch lint format sanitize stress test-arm test-avx512 test-device demo-device fuzz clean

demo: $(VENV)/.installed
	$(BIN)/bitlocal train digits --out digits.safetensors
	@echo
	@echo 'Try next, after: source $(BIN)/activate'
	@echo '  bitlocal info digits.safetensors'
	@echo '  bitlocal predict digits.safetensors digits | head'
	@echo '  bitlocal train fashion-mnist --preset fast --out fashion.safetensors'
	@echo '  bitlocal train your-table.csv --target label'
	@echo '  bitlocal train --help'

test: $(VENV)/.installed-test lint
	$(BIN)/python -m pytest -n auto --dist worksteal -m 'not device'

# The tests that need PyTorch, which is large, so `make test` does without it.
TORCH := torch==2.13.0
test-torch: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet '$(TORCH)'
	$(BIN)/python -m pytest -n auto --dist worksteal tests/test_baselines.py tests/test_features.py \
	  tests/test_studies.py::test_float_methods

lint: $(VENV)/.installed-test
	$(BIN)/ruff check src tests tools benchmarks examples
	$(BIN)/ruff format --check src tests tools benchmarks examples
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(CXX_FILES)

format: $(VENV)/.installed-test
	$(BIN)/ruff check --fix src tests tools benchmarks examples
	$(BIN)/ruff format src tests tools benchmarks examples
	$(BIN)/clang-format -i $(CXX_FILES)

# The core's own tests under the address, undefined-behaviour and thread sanitizers.
sanitize: $(VENV)/.installed-test
	for kind in address,undefined thread; do \
	  $(BIN)/cmake -S . -B build/sanitize-$$kind -DBITLOCAL_PYTHON=OFF -DBITLOCAL_SANITIZE=$$kind \
	    -DCMAKE_BUILD_TYPE=RelWithDebInfo && \
	  $(BIN)/cmake --build build/sanitize-$$kind && \
	  $(BIN)/ctest --test-dir build/sanitize-$$kind --verbose || exit 1; \
	done

# The barrier at which threads wait for each other, for millions of rounds: some five minutes.
ROUNDS := 20000000
stress: $(VENV)/.installed-test
	$(BIN)/cmake -S . -B build/stress -DBITLOCAL_PYTHON=OFF
	$(BIN)/cmake --build build/stress --target barrier_test
	build/stress/barrier_test $(ROUNDS)

# The core's own tests for AArch64, cross-compiled and run under emulation; and no floating point in the result.
test-arm: $(VENV)/.installed-test
	@command -v aarch64-linux-gnu-g++ && command -v aarch64-linux-gnu-objdump && command -v qemu-aarch64 || \
	  { echo "No cross compiler or emulator: on Debian or Ubuntu, apt-get install g++-aarch64-linux-gnu qemu-user"; \
	  exit 1; }
	$(BIN)/cmake -S . -B build/aarch64 --toolchain cmake/aarch64-linux-gnu.cmake -DBITLOCAL_PYTHON=OFF \
	  -DBITLOCAL_WERROR=ON
	$(BIN)/cmake --build build/aarch64
	$(BIN)/ctest --test-dir build/aarch64 --verbose
	aarch64-linux-gnu-objdump -d --no-show-raw-insn build/aarch64/libbitlocal_core.a | awk -F '\t' ' \
	  $$1 ~ /^ *[0-9a-f]+:$$/ { seen++ } \
	  $$2 ~ /^(f|scvtf|ucvtf)/ && $$2 !~ /^fmov/ { print "floating point:" $$0; found++ } \
	  END { print seen + 0 " instructions, " found + 0 " of floating point"; exit seen < 1000 || found > 0 }'

# The kernels for AVX-512 on an emulated processor that has it: the program fails unless both sets ran. ONE_IN=1 tests
# every case, as the other processors' tests do; that takes minutes.
ONE_IN := 11
test-avx512: $(VENV)/.installed-test
	$(BIN)/cmake -S . -B build/avx512 -DBITLOCAL_PYTHON=OFF -DBITLOCAL_WERROR=ON \
	  -DCMAKE_EXE_LINKER_FLAGS='-static -no-pie -Wl,-Ttext-segment=0x08000000'
	$(BIN)/cmake --build build/avx512 --target kernel_test
	tools/bare/run.sh build/avx512/bare corei7_icelake_u 1200 build/avx512/kernel_test $(ONE_IN) \
	  avx512vpopcntdq avx512bw

# Exported networks on emulated microcontrollers: a missing compiler or emulator is a failure here.
test-device: $(VENV)/.installed-test
	BITLOCAL_ALL_DEVICES=1 $(BIN)/python -m pytest -n auto --dist worksteal -m device

# A network that is trained here and goes on learning on an emulated microcontroller: examples/device/README.md.
demo-device: $(VENV)/.installed
	$(BIN)/python examples/device/run.py

# The reader of states in exported C, on arbitrary bytes; needs clang with libFuzzer (Debian: clang libclang-rt-14-dev).
SECONDS := 600
fuzz: $(VENV)/.installed-test
	$(BIN)/python tools/fuzz/run.py $(SECONDS)

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
