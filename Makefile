# make demo: the main job on a real clip.  make test: the tests.  Both set up .venv by themselves.
# make web: the tests of the player's TypeScript, and whether the page in the package is what it builds; needs Node 18.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test web lint format bench bench-setup constraints clean

demo: $(READY)
	$(BIN)/orbitscope run examples/vibe_ace.ogg --output demo
	@echo "Open demo/vibe_ace.orbit/player.html in your browser"

test: $(READY)
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadscope

web: web/node_modules
	cd web && npm test && npm run check

web/node_modules: web/package.json web/package-lock.json
	cd web && npm install --no-save --no-audit --no-fund
	touch web/node_modules

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: bench-setup
	$(BIN)/python benchmarks/run_all.py

bench-setup: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench,dev]'

# Everything that the constraints pin, as it is in a fresh environment with the newest releases.
constraints:
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/pip install --quiet '.[dev,bench]'
	build/constraints/bin/pip freeze --exclude orbitscope > constraints.txt

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "orbitscope needs Python 3.11 or newer; set PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

clean:
	rm -rf $(VENV) build demo web/node_modules
