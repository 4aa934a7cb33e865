# make run     a simulated gate with its page on http://127.0.0.1:8080 (PORT=, STATE_DIR= can be set)
# make test    everything: installs what tests need, then tests, lint and types
# make check   lint and types only
# make bench   measures, prints a table, writes bench-results.json
# make campaign  the long randomised runs: a million scenarios, ten years, 100,000 facts through killed processes, cut links,
#                100,000 commands that must not move the gate, a phone in a pocket
# make mutation  small faults in the rules that the stories must notice; hours, SAMPLE=8 for so many of each hundred

PYTHON ?= python3
VENV ?= .venv
PORT ?= 8080
STATE_DIR ?= .state
BIN = $(VENV)/bin

.PHONY: run test check bench campaign mutation clean

run: $(VENV)/.installed
	@exec $(BIN)/antt-gate simulate --port $(PORT) --state-dir $(STATE_DIR)

test: $(VENV)/.test-installed $(VENV)/.node-installed
	@.ci/debian-packages
	@.ci/lanes $(BIN)

check: $(VENV)/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.test-installed
	@.ci/debian-packages
	$(BIN)/python -m tests.bench

campaign: $(VENV)/.test-installed
	$(BIN)/python -m tests.campaign
	$(BIN)/python -m tests.years
	$(BIN)/python -m tests.outages
	$(BIN)/python -m tests.outages --puback --facts 30000 --bridge-kills 60 --broker-kills 20
	$(BIN)/python -m tests.cuts
	$(BIN)/python -m tests.mqtt_bridge.firing_range
	$(BIN)/python -m tests.web.pocket
	HYPOTHESIS_PROFILE=search $(BIN)/pytest --quiet $$(grep --recursive --files-with-matches '^from hypothesis' tests/*/)

mutation: $(VENV)/.test-installed
	$(BIN)/python -m tests.mutation $(if $(SAMPLE),--sample $(SAMPLE))

clean:
	rm -rf $(VENV) .state .mypy_cache .ruff_cache .pytest_cache bench-results.json artefacts

$(VENV)/bin/python:
	@.ci/venv $(PYTHON) $(VENV)

$(VENV)/.installed: pyproject.toml $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.test-installed: pyproject.toml .ci/picamera2 $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@.ci/picamera2 $(BIN)/python $(VENV)/picamera2
	@touch $@ $(VENV)/.installed

$(VENV)/.node-installed: .ci/node-packages $(VENV)/bin/python
	@.ci/debian-packages
	@.ci/node-packages $(VENV)/node
	@touch $@
