# make run: from nothing to a conversation. make test: from nothing to green. Both install first.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
DOOR_VENV := .venv-door
DOOR_INSTALLED := $(DOOR_VENV)/.installed
WIDGET := widget/dist/widget.js
WIDGET_INSTALLED := widget/node_modules/.installed
WIDGET_SOURCES := $(shell find widget/src widget/locales widget/build.mjs -type f 2>/dev/null)
NPM := npm --prefix widget
# One of the programs side by side: its lines begin with its name. Ctrl-C ends it, and then sed.
lane = set -o pipefail; { $(2); } 2>&1 | (trap '' INT; exec sed -u 's/^/$(1) | /')
export RASA_TELEMETRY_ENABLED := false
export PYTHONUNBUFFERED := 1
# Without what Python keeps of its compilations, every process of Rasa compiles for seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test install train widget lint transcripts screenshots morning journeys soak cluster
.PHONY: soak-web faults load lock clean fuzz audit sbom offline overhead
.PHONY: test-model test-widget test-door test-pages test-whole test-browser test-web test-parts test-brain

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

run: $(INSTALLED) $(WIDGET) ## install, build, train if the content is newer, start everything, say where
	@$(VENV)/bin/mobilis up

install: $(INSTALLED) ## install the locked packages into .venv

$(INSTALLED): requirements/brain.lock requirements/uv.lock pyproject.toml deploy/prepare
	@deploy/prepare python $(VENV) requirements/brain.lock 3.10
	@touch $@

$(DOOR_INSTALLED): requirements/door.lock requirements/uv.lock pyproject.toml deploy/prepare
	@deploy/prepare python $(DOOR_VENV) requirements/door.lock newest
	@touch $@

$(WIDGET_INSTALLED): widget/package-lock.json widget/package.json widget/.npmrc deploy/prepare
	@deploy/prepare node
	@echo "== installing widget/package-lock.json into widget/node_modules"; $(NPM) --loglevel error ci
	@touch $@

$(WIDGET): $(WIDGET_INSTALLED) $(WIDGET_SOURCES)
	@$(NPM) --silent run build

widget: $(WIDGET) ## build the chat for websites, when its sources are newer

train: $(INSTALLED) ## train the model, when the content is newer
	@$(VENV)/bin/mobilis train --if-due

lint: $(INSTALLED) $(WIDGET_INSTALLED) ## style and types, of Python and of the widget
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy
	@$(NPM) --silent run check

test: $(INSTALLED) $(DOOR_INSTALLED) $(WIDGET_INSTALLED) ## everything a change must pass
	@deploy/prepare postgres
	@deploy/prepare chromium
	@deploy/prepare strace
	@deploy/prepare compose
	@echo "== style and types"; $(MAKE) --no-print-directory lint
	@echo "== content"; $(VENV)/bin/mobilis content check
	@echo "== three at a time, since each waits for others half of the time, the longest first: the model and"
	@echo "   the widget; the whole assistant with Rasa; the parts, on two Pythons"
	@$(MAKE) --no-print-directory -j3 test-door test-browser test-whole test-pages test-parts test-brain test-web

test-model:
	@$(call lane,model  ,$(VENV)/bin/mobilis train --if-due --quiet)

test-widget:
	@$(call lane,widget ,NO_COLOR=1 $(NPM) --silent test && $(NPM) --silent run build)

test-door: test-widget
	@$(call lane,door   ,$(DOOR_VENV)/bin/python -m pytest --ignore tests/web)

# They need no model, but would take the place of a longer one.
test-pages: test-model test-widget
	@$(call lane,pages  ,$(DOOR_VENV)/bin/python -m pytest tests/web)

test-browser: test-model test-widget
	@$(call lane,browser,$(PYTHON) -m pytest tests/browser -m whole)

test-whole: test-model test-widget
	@$(call lane,whole  ,$(PYTHON) -m pytest --ignore tests/browser --ignore tests/web -m whole)

# What the others do not run.
NOT_YET := not whole and not pure and not door

# What differs between the two environments is told by the front door's own pages, each of which is
# asked for here too (test_headers), and by the rest of the library below.
test-web: test-model test-widget
	@$(call lane,web    ,$(PYTHON) -m pytest tests/web --ignore tests/web/console \
	  --ignore tests/web/slack --ignore tests/web/teams -m "$(NOT_YET)")

test-parts: test-model
	@$(call lane,parts  ,$(PYTHON) -m pytest --ignore tests/web --ignore tests/brain -m "$(NOT_YET)")

test-brain: test-model
	@$(call lane,brain  ,$(PYTHON) -m pytest tests/brain -m "$(NOT_YET)")

transcripts: $(INSTALLED) ## play the journeys and write docs/transcripts
	@$(PYTHON) -m pytest tests/test_journeys.py --write-transcripts docs/transcripts

screenshots: train $(WIDGET) ## take the pictures of the widget, Slack and Teams and write docs/screenshots
	@deploy/prepare chromium
	@$(PYTHON) -m pytest tests/browser/test_screenshots.py tests/browser/test_stages.py \
	  --write-screenshots docs/screenshots

morning: train $(WIDGET) ## spend a morning at the console of 200 000 conversations, and write its pictures
	@deploy/prepare chromium
	@$(PYTHON) -m pytest tests/browser/test_morning.py --timeout 0 --conversations 200000 --train \
	  --write-screenshots docs/screenshots/console

journeys: train ## play every journey over the chat API, on Slack and on Teams
	@$(PYTHON) -m pytest tests/test_journeys.py --all-channels -k "not postgres" -vv

soak: $(INSTALLED) ## 2 000 messages on Slack and Teams while the front door is killed; counts to docs/reliability.md
	@$(PYTHON) -m pytest tests/test_soak.py --events 2000 --write-soak docs/reliability.md -s

cluster: train ## every journey over two front doors and two brains, one of each killed again and again
	@deploy/prepare postgres
	@$(PYTHON) -m pytest tests/test_growing.py --all-journeys --write-cluster docs/reliability.md

fuzz: $(DOOR_INSTALLED) ## ask the chat API and every parser thousands of odd things
	@$(DOOR_VENV)/bin/python -m pytest tests/web/test_openapi_fuzz.py tests/test_parsers.py \
	  tests/web/console/test_any_input.py tests/web/slack/test_any_input.py \
	  tests/web/teams/test_any_input.py --timeout 0 --examples 100 -v

offline: train ## look where every process connects, training with the encoder included
	@deploy/prepare strace
	@$(PYTHON) -m pytest tests/test_offline.py --train -v

audit: $(DOOR_INSTALLED) ## hold the known vulnerabilities of what is locked against those reviewed
	@$(DOOR_VENV)/bin/python deploy/audit.py

sbom: $(DOOR_INSTALLED) ## write what brain, front door and widget are made of (CycloneDX) to var/sbom
	@$(DOOR_VENV)/bin/python deploy/sbom.py var/sbom

soak-web: train ## half an hour of visitors on the website; what grew to docs/load.md
	@$(PYTHON) -m pytest tests/test_web_soak.py --soak-minutes 30 --write-web-soak docs/load.md -s

faults: train ## every fault at every step of a turn (half an hour); counts to docs/reliability.md
	@deploy/prepare postgres
	@$(PYTHON) -m pytest tests/test_faults.py tests/test_exhaustion.py --every-fault --write-faults docs/reliability.md -s

load: train ## more and more visitors until it is too much, beside the stock assistant; to docs/load.md
	@deploy/prepare postgres
	@$(PYTHON) -m pytest tests/test_crowd.py --write-load docs -s

overhead: train ## what being seen costs a turn: log, metrics and traces, side by side
	@$(PYTHON) -W ignore tests/overhead.py

lock: $(INSTALLED) ## lock the requirements again
	$(VENV)/bin/uv pip compile -q --no-emit-index-url --no-emit-find-links --generate-hashes \
	  --custom-compile-command "make lock" requirements/uv.in -o requirements/uv.lock
	$(VENV)/bin/uv pip compile -q --python-version 3.10 --no-emit-index-url --no-emit-find-links --generate-hashes \
	  --custom-compile-command "make lock" requirements/brain.in -o requirements/brain.lock
	$(VENV)/bin/uv pip compile -q --python-version 3.12 --no-emit-index-url --no-emit-find-links --generate-hashes \
	  --custom-compile-command "make lock" requirements/door.in -o requirements/door.lock

clean: ## remove what was installed, trained and stored
	rm -rf $(VENV) $(DOOR_VENV) widget/node_modules widget/dist models var .rasa
