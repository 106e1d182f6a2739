# One door to every command: `make` alone lists them. The work is done by requirements/install.sh (the interpreter and its
# packages) and by `python -m router_project.local` (everything else).

SHELL = /bin/sh
LOCAL = .venv/bin/python -m router_project.local

.DEFAULT_GOAL := help
.PHONY: help run test test-full lint types format shell migrate messages bench image lock down reset

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: ## serve everything on http://127.0.0.1:8000 (PORT=8080 for another port); Ctrl-C stops it
	@requirements/install.sh local && exec $(LOCAL) run

test: ## run what CI runs: lint, types, contracts, migrations, translations, all tests (BROWSER=none: without Chromium)
	@requirements/install.sh dev && exec $(LOCAL) test

test-full: ## run all tests at full scale, group by group
	@requirements/install.sh dev && exec $(LOCAL) test-full

lint: ## check form, lint, templates and import contracts
	@requirements/install.sh dev && exec $(LOCAL) lint

types: ## check types
	@requirements/install.sh dev && exec $(LOCAL) types

format: ## format Python and templates, apply safe lint fixes
	@requirements/install.sh dev && exec $(LOCAL) format

shell: ## open Django's shell with the servers up
	@requirements/install.sh local && exec $(LOCAL) exec .venv/bin/python manage.py shell

migrate: ## bring the tables of the local data base up to date
	@requirements/install.sh local && exec $(LOCAL) exec .venv/bin/python manage.py migrate

messages: ## collect strings into locale/ and compile what is translated
	@requirements/install.sh dev && exec $(LOCAL) messages

bench: ## print the figures of tests/load
	@requirements/install.sh dev && exec $(LOCAL) bench

image: ## build the container image (Docker, or buildah where there is no engine)
	@.ci/image

lock: ## pin requirements/*.in into hashed requirements/*.txt
	@requirements/install.sh dev && exec $(LOCAL) lock

down: ## end the `make run` of this checkout
	@requirements/install.sh local && exec $(LOCAL) down

reset: ## delete the local data of this checkout, after saying what (YES=1: without asking)
	@requirements/install.sh local && exec $(LOCAL) reset
