# Hemadesk: every command a developer or an installation needs. `make` alone lists them.
#
# Nothing is assumed but make and Python. Targets that need packages depend on a stamp file in
# .venv which is newer than the lock it was installed from, so the second run installs nothing and
# needs no network. Where the program serves stands in .streamlit/config.toml.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
RUN    := $(VENV)/.installed-run
DEV    := $(VENV)/.installed-dev
HANDS  := $(VENV)/.installed-hands
PIP    := $(PY) -m pip install --disable-pip-version-check --quiet --require-hashes

export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run demo test check format format-check lint types contracts deps pytest unit browser \
        picture bench lock audit sbom clean hands

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: $(RUN) $(HANDS) ## install what is needed, serve; open the address it prints
	$(PY) -m streamlit run app.py

demo: $(RUN) $(HANDS) ## the same with invented cases, in a store of their own
	$(PY) -m core demo

test: $(DEV) $(HANDS) ## install what is needed with the development tools, then `make check`
	@$(MAKE) --no-print-directory check

check: format-check lint types contracts deps pytest ## everything that must pass before a commit

format: $(DEV) ## rewrite the code in the project's format
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix-only --quiet .

format-check: $(DEV)
	$(PY) -m ruff format --check .

lint: $(DEV) ## ruff
	$(PY) -m ruff check .

types: $(DEV) ## mypy
	$(PY) -m mypy

contracts: $(DEV) ## which package may import which
	$(PY) $(VENV)/bin/lint-imports --no-cache --no-logo

deps: $(DEV) ## requirements that nothing imports, imports that nothing requires
	$(PY) -m deptry . --no-ansi

# One process a core, four at most: each loads torch and the models. `make pytest JOBS=0` runs all
# tests in one process.
JOBS ?= logical
SHARE = -n $(JOBS) --maxprocesses 4

pytest: $(DEV) ## all tests in one go
	$(PY) -m pytest $(SHARE)

unit: $(DEV) ## tests without a browser
	$(PY) -m pytest $(SHARE) -m "not browser"

browser: $(DEV) ## tests that drive Chromium
	$(PY) -m pytest -m browser

picture: $(DEV) ## take the picture of the README anew, by a browser test
	HEMADESK_PICTURE=docs/images/analyse-smear.png $(PY) -m pytest -q tests/browser/test_first_hour.py

bench: $(RUN) ## how long one field takes on this machine
	$(PY) -m core bench

# make audit ADVISORIES=all.zip asks nobody: the export of osv.dev for PyPI, stored.
audit: $(DEV) ## known vulnerabilities in the locked packages; asks PyPI, or ADVISORIES=FILE
	$(PY) packaging/audit.py $(if $(ADVISORIES),--advisories "$(ADVISORIES)")

sbom: $(RUN) ## what is shipped, as CycloneDX: build/sbom.cdx.json
	@mkdir -p build
	$(PY) packaging/sbom.py > build/sbom.cdx.json

# Resolved for every platform and for Python 3.11 and newer. What is locked stays as it is, unless
# requirements*.txt say otherwise or `make lock UPGRADE=--upgrade` asks for newer ones.
COMPILE = $(PY) -m uv pip compile --quiet --no-config --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --no-emit-find-links \
    --custom-compile-command "make lock" $(UPGRADE)

lock: $(PY) ## resolve requirements*.txt into the lock files
	$(PY) -m pip install --disable-pip-version-check --quiet $$(grep '^uv==' requirements-dev.txt)
	$(COMPILE) requirements.txt --output-file requirements.lock
	$(COMPILE) requirements.txt requirements-dev.txt --constraint requirements.lock \
	    --output-file requirements-dev.lock

clean: ## remove the virtual environment and the caches of the tools; var/ and data/ stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A virtual environment needs the venv and ensurepip modules, which Debian packages separately.
$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "Hemadesk needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || true)." >&2; \
	    echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "'$(PYTHON)' lacks the module venv; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# opencv-python goes first: the headless build, installed after it into the same folder, is then
# the one that gets loaded, and it needs no display library (docs/decisions/001).
$(RUN): requirements.lock | $(PY)
	@echo "Installing the packages of requirements.lock into $(VENV): about 7 GB, some minutes ..."
	@sed -n '/^opencv-python==/,/^    # via/p' requirements.lock > $(VENV)/opencv-first.txt
	$(PIP) --no-deps --requirement $(VENV)/opencv-first.txt
	$(PIP) --requirement requirements.lock
	@$(PY) -c 'import cv2, torchvision' || { \
	    echo "The packages are installed but cannot be imported; the line above says what is missing." >&2; exit 1; }
	@touch $@

$(DEV): requirements-dev.lock $(RUN)
	@echo "Installing the development tools of requirements-dev.lock into $(VENV) ..."
	$(PIP) --requirement requirements-dev.lock
	@touch $@

hands: ## fetch MediaPipe's two hand networks, so that a palm is found in a photo of a hand
	@rm -f $(HANDS)
	@$(MAKE) --no-print-directory $(HANDS)

# Never fails: without the two networks the program asks for a crop of the palm instead. A failed
# attempt is stamped too, so that a start without a network is not held up every time.
$(HANDS): requirements-hands.txt $(RUN)
	@rm -rf $(VENV)/hands
	@if $(PY) -m pip download --disable-pip-version-check --quiet --no-deps --require-hashes \
	    --requirement requirements-hands.txt --dest $(VENV)/hands 2>/dev/null \
	    && $(PY) -m core hands $(VENV)/hands; then :; else \
	    echo "Hands cannot be found in photos (MediaPipe 0.10.21 for Python 3.11 could not be had); send crops of the palm, or try again with 'make hands'."; fi
	@rm -rf $(VENV)/hands
	@touch $@
