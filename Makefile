# make demo          judge the examples with the built-in model
# make test          lint, types, import contracts, tests
# make check         lint, types, import contracts
# make bench         the tables of benchmarks/
# make pages         the pages of docs/ that follow from the code
# make shots         the screenshots of docs/
# make constraints   renew the exact versions of all dependencies
# make clean         remove what was installed and built
#
# PYTHON=python3.12 make …   another interpreter; VENV=… another environment

PYTHON = python3
VENV = .venv
ifeq ($(OS),Windows_NT)
BIN = $(VENV)/Scripts
else
BIN = $(VENV)/bin
endif
PIP = $(BIN)/python -m pip --quiet --disable-pip-version-check
# The first pip that knows dependency groups.
NEW_PIP = "pip>=25.1"
SOURCES = stepcheck tests benchmarks models docs

# llama.cpp is compiled on the first installation (minutes); its vision part is not needed.
BUILD = CMAKE_ARGS="$${CMAKE_ARGS--DLLAVA_BUILD=OFF}"

# An editable installation comes without bytecode, and where PYTHONDONTWRITEBYTECODE is set never gets any.
COMPILE = $(BIN)/python -m compileall -q stepcheck

.PHONY: help demo test check bench pages shots constraints clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

demo: $(VENV)/.installed
	@$(BIN)/stepcheck score examples/right.md examples/wrong.md examples/wrong-zh.md
	@echo
	@echo "Next: $(BIN)/stepcheck tui examples/wrong.md          the same in the app"
	@echo "      $(BIN)/stepcheck score YOUR-SOLUTION.md         your own; --help tells the ways"
	@echo "      $(BIN)/stepcheck models pull stepcheck-0.5B     a judge that has read more than arithmetic"

test: check
	@$(BIN)/python -m pytest -q -n auto --dist worksteal -m 'not soak and not timed' --durations 10
	@$(BIN)/python -m pytest -q -m 'timed and not soak'

check: $(VENV)/.installed-test
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }

bench: $(VENV)/.installed-test
	@for file in benchmarks/*.py; do \
		echo "== $$file"; $(BIN)/python "$$file" || exit $$?; \
	done

pages: $(VENV)/.installed-test
	@$(BIN)/python docs/pages.py

shots: $(VENV)/.installed-test
	@$(BIN)/python docs/screenshots.py

# The newest versions that pyproject.toml allows, pinned for everybody; local version suffixes (+cpu) are dropped.
constraints:
	@rm -rf $(VENV)-new && $(PYTHON) -m venv $(VENV)-new
	@$(VENV)-new/bin/python -m pip --quiet --disable-pip-version-check install --upgrade $(NEW_PIP)
	@$(BUILD) $(VENV)-new/bin/python -m pip --quiet --disable-pip-version-check install --editable . --group test
	@$(VENV)-new/bin/python -m pip freeze --exclude-editable --exclude stepcheck > constraints.new
	@if grep ' @ ' constraints.new; then \
		echo "error: installed from a path, so without a version to pin"; rm constraints.new; exit 1; \
	fi
	@sed 's/+[a-z0-9.]*$$//' constraints.new > constraints.txt
	@rm -rf constraints.new $(VENV)-new
	@echo "constraints.txt: $$(grep -c == constraints.txt) packages"

clean:
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "error: stepcheck needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12"; \
		exit 1; \
	}
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing stepcheck into $(VENV). The first time, llama.cpp is compiled: some minutes."
	@$(BUILD) $(PIP) install --constraint constraints.txt --editable .
	@$(COMPILE)
	@touch $@

$(VENV)/.installed-test: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing stepcheck and its tests' tools into $(VENV). The first time, llama.cpp is compiled: some minutes."
	@$(PIP) install --upgrade $(NEW_PIP)
	@$(BUILD) $(PIP) install --constraint constraints.txt --editable . --group test
	@$(COMPILE)
	@touch $@ $(VENV)/.installed
