# One command each, nothing before it: `make race`, `make lab`, `make test`.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

ROOT   := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: race lab test setup chromium bench check nightly fork clean

race: setup  ## the main job: every transport side by side, in the terminal, and a picture
	$(BIN)/realtime-kit race --json race.json --plot race.png

lab: setup  ## JupyterLab at the first lesson
	$(BIN)/realtime-kit up

test: setup chromium check  ## every test
	$(BIN)/python -m pytest

setup: $(READY)  ## .venv with everything, Pushpin included; a second call does nothing

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("realtime_kit needs Python 3.11 or later; give one with PYTHON=…") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -c 'import ensurepip' || { echo 'This Python cannot make virtual environments: on Debian and Ubuntu, apt install python3-venv'; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/realtime-kit install-deps
	-$(BIN)/realtime-kit install-deps --for all
	@touch $@

nightly: setup  ## every fault of the matrix, and a thousand random sequences of them: three quarters of an hour or more
	$(BIN)/python -m pytest -m nightly

chromium: setup  ## a browser for tests/browser, unless there is one: Debian's, or else Playwright's own
	@$(BIN)/python tests/browser/chromium.py >/dev/null \
	|| { command -v apt-get >/dev/null && set -x && $(ROOT) apt-get update \
	     && $(ROOT) apt-get install -y --no-install-recommends chromium fonts-dejavu-core; } \
	|| $(BIN)/playwright install --with-deps chromium \
	|| $(BIN)/playwright install chromium

check: setup  ## what needs no Pushpin: lint, format, types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: setup  ## measure what is promised; writes docs/benchmarks.md
	$(BIN)/python benchmarks/spine.py

HERE := $(shell sed -n 's|^Source = "https://github.com/\(.*\)"|\1|p' pyproject.toml)

fork:  ## badges and addresses lead to another repository: make fork TO=owner/name
	$(if $(TO),,$(error make fork TO=owner/name))
	sed -i.before 's|$(HERE)|$(TO)|g' pyproject.toml README.md notebooks/*.ipynb
	rm pyproject.toml.before README.md.before notebooks/*.before

clean:  ## remove what setup made
	rm -rf $(VENV)
