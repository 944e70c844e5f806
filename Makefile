# make run: from nothing to a conversation. make test: from nothing to green. Both install first.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
DOOR_VENV := .venv-door
DOOR_INSTALLED := $(DOOR_VENV)/.installed
export RASA_TELEMETRY_ENABLED := false

.PHONY: help run test install train lint transcripts lock clean

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

run: $(INSTALLED) ## install, train if the content is newer, start everything, say where
	@$(VENV)/bin/mobilis up

install: $(INSTALLED) ## install the locked packages into .venv

$(INSTALLED): requirements/brain.lock requirements/uv.lock pyproject.toml deploy/find-python
	@deploy/find-python install $(VENV) requirements/brain.lock 3.10
	@touch $@

$(DOOR_INSTALLED): requirements/door.lock requirements/uv.lock pyproject.toml deploy/find-python
	@deploy/find-python install $(DOOR_VENV) requirements/door.lock newest
	@touch $@

train: $(INSTALLED) ## train the model, when the content is newer
	@$(VENV)/bin/mobilis train --if-due

lint: $(INSTALLED) ## style and types
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy

test: $(INSTALLED) $(DOOR_INSTALLED) ## everything a change must pass
	@deploy/find-python postgres
	@echo "== style and types"; $(MAKE) --no-print-directory lint
	@echo "== content"; $(VENV)/bin/mobilis content check
	@echo "== the model, and beside it the library and the front door on a current Python, without Rasa"
	@$(VENV)/bin/mobilis train --if-due --quiet & training=$$!; \
	  $(DOOR_VENV)/bin/python -m pytest || failed=1; \
	  wait $$training || failed=1; test -z "$$failed"
	@echo "== everything, on Python 3.10 with Rasa"
	@$(PYTHON) -m pytest

transcripts: $(INSTALLED) ## play the journeys and write docs/transcripts
	@$(PYTHON) -m pytest tests/test_journeys.py --write-transcripts docs/transcripts

lock: $(INSTALLED) ## lock the requirements again
	$(VENV)/bin/uv pip compile -q --no-emit-index-url --no-emit-find-links --generate-hashes \
	  --custom-compile-command "make lock" requirements/uv.in -o requirements/uv.lock
	$(VENV)/bin/uv pip compile -q --python-version 3.10 --no-emit-index-url --no-emit-find-links --generate-hashes \
	  --custom-compile-command "make lock" requirements/brain.in -o requirements/brain.lock
	$(VENV)/bin/uv pip compile -q --python-version 3.12 --no-emit-index-url --no-emit-find-links --generate-hashes \
	  --custom-compile-command "make lock" requirements/door.in -o requirements/door.lock

clean: ## remove what was installed, trained and stored
	rm -rf $(VENV) $(DOOR_VENV) models var .rasa
