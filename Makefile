# Two commands set everything up; Windows users find the same as plain commands in README.md.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: help demo test lint golden wheel clean

help:
	@echo "make demo    set up and annotate docs/sample.jpg into out/"
	@echo "make test    set up and run every test"
	@echo "make lint    style, types and import contracts"
	@echo "make golden  draw the golden pictures anew; look at them before you commit"
	@echo "make wheel   build the wheel into dist/"

$(VENV)/demo: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable ".[all]"
	@touch $@

$(VENV)/dev: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable ".[dev]"
	@touch $@

demo: $(VENV)/demo
	$(BIN)/dw-openpose annotate docs/sample.jpg -o out/sample.png --json --overwrite --model lite
	@echo "The figure is in out/sample.png, its OpenPose JSON in out/sample.json"

test: $(VENV)/dev
	$(BIN)/python -m pytest

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --strict install.py
	$(BIN)/lint-imports --no-cache

golden: $(VENV)/dev
	$(BIN)/python tests/golden_pictures.py

wheel: $(VENV)/dev
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

clean:
	rm -rf $(VENV) out dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
