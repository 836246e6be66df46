# The front door: short commands over the CMake presets. Each sets up what it needs first, so that
# on a fresh Debian 12 or Ubuntu 24.04 with git and make, `make train` or `make test` is all it
# takes.
#
# Variables: PRESET (release, debug, static, ci, clang, asan, gcc-asan, tsan, gpu), JOBS, PREFIX, OUT, ARGS.

PRESET ?= release
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
OUT ?= runs/digits
ARGS ?=

BUILD := build/$(PRESET)
# The tree whose tests run; .ci/run passes one that gathers several builds.
TEST_TREE ?= $(BUILD)
SETUP := @tools/setup.sh
# CMake says only what is wrong.
CONFIGURE := cmake --preset $(PRESET) --log-level=NOTICE
CMAKE_BUILD := cmake --build $(BUILD) --parallel $(JOBS)

.DEFAULT_GOAL := help
.PHONY: help train build test bench bench-check asan tsan cuda gpu-check gpu-debt format lint install wheel clean
.PHONY: setup-train setup-test configure configure-tests

help:  ## this list
	@echo "make <command>"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

train: setup-train configure  ## train a small network on handwritten digits; ARGS="--epochs 5"
	@$(CMAKE_BUILD) --target entasis-train-digits
	@$(BUILD)/bin/entasis-train-digits --out $(OUT) $(ARGS)

build: setup-train configure  ## build the library and the programs, in build/release
	@$(CMAKE_BUILD) --target entasis entasis-programs

test: setup-test configure-tests  ## build everything and run all tests; ARGS="-R name" picks some
	@$(CMAKE_BUILD)
	@ctest --test-dir $(TEST_TREE) --output-on-failure --no-tests=error -j$(JOBS) $(ARGS)

bench: setup-train configure  ## run the benchmarks; ARGS goes to entasis-bench
	@$(CMAKE_BUILD) --target entasis-bench
	@$(BUILD)/bin/entasis-bench $(ARGS)

bench-check: setup-train configure  ## compare a short run's ratios with the recorded ones; tells, never fails
	@$(CMAKE_BUILD) --target entasis-bench
	@bench/check.py $(BUILD)/bin/entasis-bench bench/results/cpu-ratios.json $(ARGS)

asan:  ## tests with address and undefined-behaviour sanitizers, and a minute of each fuzz target
	$(SETUP) test clang
	@$(MAKE) --no-print-directory test PRESET=asan

tsan:  ## tests of the threaded parts with the thread sanitizer
	$(SETUP) test clang
	@$(MAKE) --no-print-directory test PRESET=tsan

cuda: setup-train configure  ## build the CUDA plugin too; needs the CUDA toolkit, but no GPU
	@tools/cuda_toolkit.sh build/venv
	@$(CONFIGURE) -DENTASIS_CUDA=ON >/dev/null
	@$(CMAKE_BUILD) --target entasis entasis_cuda entasis-programs

gpu-check:  ## gather the GPU's tests and benchmarks in build/gpu-check, to run on a GPU machine
	$(SETUP) train test
	@tools/cuda_toolkit.sh build/venv
	@cmake --preset gpu --log-level=NOTICE >/dev/null
	@cmake --build build/gpu --parallel $(JOBS)
	@tools/gpu_check.py gather build/gpu build/gpu-check

gpu-debt:  ## list the CUDA sources that have changed since they last passed on a GPU
	@tools/gpu_debt.py

format:  ## format all sources with clang-format
	$(SETUP) format
	@tools/format.sh

lint: setup-test configure-tests  ## check format, floors and clang-tidy (of FILES="a.cpp ...")
	$(SETUP) format lint
	@tools/format.sh --check
	@tools/check_layers.py
	@$(CMAKE_BUILD) --target entasis_build_header
	@tools/lint.sh $(BUILD) $(FILES)

install: build  ## install into PREFIX (default /usr/local)
	@cmake --install $(BUILD) --prefix "$(PREFIX)"

wheel: setup-test  ## build the Python package as a wheel, in build/wheels
	@CMAKE_BUILD_PARALLEL_LEVEL=$(JOBS) build/venv/bin/python -m pip wheel --quiet --no-deps --no-build-isolation \
	  --wheel-dir build/wheels . && ls -sh build/wheels

clean:  ## remove all that was built
	@rm -rf build

setup-train:
	$(SETUP) train

setup-test:
	$(SETUP) train test
	@tools/python_env.sh build/venv build

# CMake runs again by itself when its files change; a new build folder is configured here, without
# tests, which need more packages, until tests are asked for, and again when the Python package can be
# built that could not be before.
configure: | $(BUILD)/build.ninja

$(BUILD)/build.ninja:
	@echo "Configuring $(BUILD)"
	@$(CONFIGURE) -DENTASIS_BUILD_TESTS=OFF >/dev/null

configure-tests:
	@if ! grep -qs '^ENTASIS_BUILD_TESTS:BOOL=ON' $(BUILD)/CMakeCache.txt || \
	    ! test -e $(BUILD)/build.ninja || \
	    { test -d "$$(echo build/venv/lib/python3*/site-packages/nanobind)" && \
	      ! grep -qs '^nanobind_DIR:PATH=/\|^ENTASIS_SANITIZE:STRING=.' $(BUILD)/CMakeCache.txt; }; then \
	  echo "Configuring $(BUILD) with tests"; \
	  $(CONFIGURE) -DENTASIS_BUILD_TESTS=ON >/dev/null; \
	fi
