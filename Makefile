# Everything that a person or CI runs. Each target does the set-up it needs; nothing has to be installed by hand
# beyond Rust, g++ and Python 3.10+ (`make test` adds Debian packages, the tools in .venv and a real Mesos in .cache).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Everything that a built wheel depends on.
SOURCES := Cargo.toml Cargo.lock pyproject.toml build.rs README.md LICENSE \
	$(shell find src cpp proto python build -type f -not -name '*.so' -not -name '*.pyc' 2>/dev/null)

.PHONY: help demo test check lint lint-rust lint-python lint-cpp fmt stubs test-rust test-python test-pythons \
	test-asan test-cpp libraries exits conformance differential fuzz wheel bench system clean
.DELETE_ON_ERROR:

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(VENV)/wheel ## build, install, and run five tasks on the embedded cluster
	$(BIN)/python examples/hello.py

test: system lint test-rust test-python test-asan fuzz ## every lint and every test, real Mesos and fuzzing included

check: lint-python $(VENV)/tools ## the fast part, for the person at the keyboard (a debug build)
	cargo clippy --all-targets --quiet
	cargo test --quiet
	$(BIN)/maturin develop --quiet; rm -f $(VENV)/wheel
	$(BIN)/pytest -q -x --ignore tests/real --ignore tests/conformance --ignore tests/test_wheel.py

## ---- set-up -------------------------------------------------------------------------------------------------

# Debian packages: to make virtual environments and link Rust tests against Python; the lists in tests/ say why theirs.
APT := python3-venv python3-dev $(sort $(shell sed 's/\#.*//' tests/real/apt.txt tests/conformance/apt.txt))
system:
	@if command -v apt-get >/dev/null; then \
	  missing=$$(for p in $(APT); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	  if [ -z "$$missing" ]; then exit 0; fi; \
	  as=$$([ $$(id -u) = 0 ] || echo sudo); \
	  echo "installing" $$missing; \
	  $$as apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as apt-get install -qq -y --no-install-recommends $$missing >/dev/null; \
	fi

# On Debian `python3 -m venv` needs a package of its own.
$(BIN)/pip:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(MAKE) --no-print-directory system
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip 'maturin>=1.16,<2'

$(VENV)/tools: pyproject.toml | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' # the first that knows --group
	$(BIN)/pip install --quiet --group test --group lint --group bench --group real
	$(BIN)/pip install --quiet --no-deps pymesos==0.3.15 # without http-parser, which does not compile: tests/real/stand_ins
	@touch $@

## ---- building -----------------------------------------------------------------------------------------------

wheel: dist/.built ## a wheel for this Python, in dist/
dist/.built: $(SOURCES) | $(BIN)/pip
	rm -rf dist
	$(BIN)/maturin build --release --locked --quiet --interpreter $(BIN)/python --out dist
	@touch $@; ls -l dist/*.whl

$(VENV)/wheel: dist/.built
	$(BIN)/pip install --quiet --force-reinstall --no-deps dist/*.whl
	@touch $@

## ---- proving ------------------------------------------------------------------------------------------------

lint: lint-rust lint-python lint-cpp ## rustfmt, clippy, ruff, mypy, pyright, clang-format, clang-tidy

lint-rust:
	cargo fmt --check
	cargo clippy --all-targets --quiet -- -D warnings

lint-python: $(VENV)/tools
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy --no-error-summary
	$(BIN)/basedpyright --level error >$(VENV)/pyright || { cat $(VENV)/pyright; exit 1; }

# clang-tidy needs the bridge's headers, which compiling for lint-rust has made.
lint-cpp: lint-rust $(VENV)/tools
	git ls-files '*.cc' '*.h' | xargs $(BIN)/clang-format --dry-run --Werror
	bridge=$$(ls -dt target/debug/build/mesos-*/out/cxxbridge | head -1); \
	$(BIN)/clang-tidy --quiet cpp/*.cc -- -std=c++17 -I$$bridge/include -I$$bridge/crate

fmt: $(VENV)/tools ## put every file into its lint's shape
	cargo fmt
	$(BIN)/ruff check --quiet --fix
	$(BIN)/ruff format --quiet
	git ls-files '*.cc' '*.h' | xargs $(BIN)/clang-format -i

stubs: $(VENV)/tools ## write the stubs of the message classes again, from a debug build
	$(BIN)/maturin develop --quiet; rm -f $(VENV)/wheel
	$(BIN)/python -m tools.stubs

test-rust: system
	cargo test --quiet

test-python: $(VENV)/tools $(VENV)/wheel
	MESOS_EVENTS=1000000 $(BIN)/pytest

libraries: system $(VENV)/tools $(VENV)/wheel ## one scheduler over every release of libmesos that PyPI ships, on the real Mesos
	MESOS_RELEASES=all $(BIN)/pytest -q tests/real/test_releases.py

conformance: system $(VENV)/tools ## protobuf's own conformance tests of the message classes, and their counts
	cd tests && ../$(BIN)/python -m conformance

# Without MINUTES these are 20 seconds of `make test`.
MINUTES ?= 10
differential: $(VENV)/tools $(VENV)/wheel ## the messages against google.protobuf's at random, for MINUTES=10
	end=$$(($$(date +%s) + 60 * $(MINUTES))); while [ $$(date +%s) -lt $$end ]; do \
	  MESOS_EXAMPLES=2000 $(BIN)/pytest -q --timeout=1800 \
	    tests/test_message_differential*.py tests/test_message_stateful.py || exit 1; \
	done

# The message suite on an extension that AddressSanitizer watches. PYTHONMALLOC: or it would not see single objects.
# Debug, where messages keep no memory of dead ones. The runtime is GCC's, which comes with g++.
ASAN := .cache/asan
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
test-asan: $(VENV)/tools ## the message suite under AddressSanitizer
	rm -rf $(ASAN)/site $(ASAN)/wheel
	RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_TARGET_DIR=$(ASAN)/target \
	  $(BIN)/maturin build --quiet --target $(HOST) --interpreter $(BIN)/python --out $(ASAN)/wheel
	$(BIN)/pip install --quiet --no-deps --target $(ASAN)/site $(ASAN)/wheel/*.whl
	LD_PRELOAD=$$($(CC) -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc \
	  PYTHONPATH=$(ASAN)/site MESOS_EXAMPLES=200 $(BIN)/pytest -q --timeout=300 tests/test_message*.py

EXITS ?= 1000
exits: $(VENV)/tools $(VENV)/wheel ## EXITS=1000 interpreter exits in every state of a driver, at random moments
	$(BIN)/python tests/exits.py $(EXITS)

# cpp/ and what Rust does with it, over the stand-in for libmesos in cpp/fake, in debug builds. For AddressSanitizer with
# GCC's runtime. For ThreadSanitizer with Rust's, which the stand-in finds in the program, and a standard library of Rust's
# that is compiled for it, too: of what it does not see it would have much to tell.
CPP_TESTS := test --quiet --target $(HOST) --lib backend::libmesos::tests
test-cpp: system ## drivers over a libmesos under load, under AddressSanitizer and ThreadSanitizer
	RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=.cache/asan-cpp/target CXXFLAGS="-fsanitize=address -g" \
	RUSTFLAGS="-Zsanitizer=address -Zexternal-clangrt -Cunsafe-allow-abi-mismatch=sanitizer \
	  -Zpre-link-args=-Wl,--no-as-needed -Zpre-link-args=-lasan" \
	MESOS_FAKE_CXXFLAGS=-fsanitize=address ASAN_OPTIONS=detect_leaks=0 \
	  cargo $(CPP_TESTS)
	rustup --quiet component add rust-src
	RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=.cache/tsan-cpp/target CXXFLAGS="-fsanitize=thread -g" \
	RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer -Clink-arg=-Wl,--export-dynamic" \
	MESOS_FAKE_CXXFLAGS="-fsanitize=thread -nodefaultlibs -lstdc++ -lc -lgcc_s" \
	TSAN_OPTIONS=suppressions=$(CURDIR)/tests/tsan.txt \
	  cargo -Zbuild-std $(CPP_TESTS)

test-pythons: $(BIN)/pip ## messages and drivers on every CPython of this machine, and as the abi3 wheel
	$(BIN)/python tests/pythons.py

# A minute of `make test`. Inputs found stay in .cache; fuzz/corpus is what many hours would begin with. An input
# that fails goes to fuzz/artifacts, and `cargo fuzz run wire <input>` shows it again.
SECONDS_EACH ?= 15
FUZZ := $(CURDIR)/.cache/fuzz
fuzz: system $(BIN)/pip $(FUZZ)/bin/cargo-fuzz ## libFuzzer on wire format, JSON, resources and messages, SECONDS_EACH=15
	for target in wire json resources message; do \
	  mkdir -p $(FUZZ)/corpus/$$target && \
	  PATH=$(FUZZ)/bin:$$PATH RUSTC_BOOTSTRAP=1 PYO3_PYTHON=$(CURDIR)/$(BIN)/python ASAN_OPTIONS=detect_leaks=0 \
	    cargo fuzz run --target-dir $(FUZZ)/target $$target $(FUZZ)/corpus/$$target fuzz/corpus/$$target -- \
	    -max_total_time=$(SECONDS_EACH) -timeout=20 -verbosity=0 -print_final_stats=1 || exit 1; \
	done

# RUSTC_BOOTSTRAP lets a stable compiler do what its flags for sanitizers and coverage need.
$(FUZZ)/bin/cargo-fuzz:
	cargo install cargo-fuzz --version '^0.13' --locked --quiet --root $(FUZZ)

bench: $(VENV)/tools $(VENV)/wheel ## what it costs, as ratios and medians, in one table
	$(BIN)/python benches/bench.py

clean:
	rm -rf dist target $(VENV) .cache
