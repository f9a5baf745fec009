# PTT Admin. Needs make and Python 3.11 to 3.13; everything else is fetched into .venv, node_modules and app/static/vendor.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run stop reset test lint cases bench load faults faults-long simulate fuzz lock audit sbom translations env-run env-test env-bench env-fuzz clean
PY := .venv/bin/python
BASE_PYTHON = $$(PYTHON='$(PYTHON)' sh tools/find-python.sh)
WORKERS ?= 3

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

run: env-run ## Start everything on this machine with demo data (Ctrl-C stops)
	@exec $(PY) run.py

stop: ## Stop what `make run` started elsewhere
	@$(PY) -m embedded stop

reset: ## Delete all data of `make run` (asks first; YES=1 does not)
	@$(PY) -m embedded reset $(if $(YES),--yes)

test: env-test ## Run all checks and the whole test suite
	$(MAKE) --no-print-directory lint
	@$(PY) -m tests.support.chromium
	$(PY) -m pytest -n $(WORKERS) $(ARGS)

lint: env-test ## Style, direction of imports, types, tree
	.venv/bin/ruff check
	.venv/bin/lint-imports
	.venv/bin/mypy
	@$(PY) tools/check_tree.py

cases: env-test ## Conformance cases: make cases DIR=../shared/cases
	@test -n "$(DIR)" || { echo "Name the folder of the cases: make cases DIR=../shared/cases" >&2; exit 2; }
	@$(PY) -m conformance $(DIR)

bench: env-bench ## Benchmarks with their peers; ONLY=fee-run runs one
	@$(PY) -m benchmarks $(ONLY)

load: env-test ## Portal users, chat sockets, a crowd, a backlog: make load MINUTES=3 USERS=150 SOCKETS=500 ORDERS=20000 PART=portal,chat,overload,backlog
	@$(PY) -m benchmarks.load --minutes $(or $(MINUTES),3) --users $(or $(USERS),150) --sockets $(or $(SOCKETS),500) --messages $(or $(MESSAGES),50) --crowd $(or $(CROWD),400) --orders $(or $(ORDERS),20000) $(if $(PART),--parts $(PART))

faults: env-test ## Kill, pause and cut off real processes, break jobs and services off, live through two months
	PTT_FAULTS_POINTS=$(or $(POINTS),15) PTT_FAULTS_KILLS=$(or $(KILLS),25) $(PY) -m pytest -n $(WORKERS) tests/faults tests/simulation tests/receivables/test_every_statement.py tests/portal/test_broken_off.py tests/sepa/test_every_statement.py $(ARGS)
	$(if $(ARGS),,PTT_FAULTS_POINTS=1 $(PY) -m pytest tests/faults/test_databases.py -k falls_over)

faults-long: env-test ## The same at every statement, and long simulations on both databases: hours
	PTT_FAULTS=all $(MAKE) --no-print-directory faults KILLS=$(or $(KILLS),500)
	$(PY) -m tests.simulation --seed 1 --seeds $(or $(SEEDS),50) --days 730

simulate: env-test ## Two years of a provider under faults: make simulate SEED=7 DAYS=730 DATABASE=sqlite|postgres|both
	$(PY) -m tests.simulation --seed $(or $(SEED),1) --days $(or $(DAYS),730) --database $(or $(DATABASE),sqlite)

fuzz: env-fuzz ## Every parser of what comes from outside under a coverage-guided fuzzer: make fuzz SECONDS=60 ONLY=camt,cnab
	@$(PY) -m tests.fuzz $(ONLY) --seconds $(or $(SECONDS),60)

lock: env-test ## Write the lock files and package-lock.json; UPGRADE=1 takes the newest versions
	@UPGRADE=$(UPGRADE) $(PY) tools/lock.py
	@npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved

audit: env-run ## Ask for known weaknesses of the locked packages (network; STRICT=1 fails without it)
	@STRICT=$(STRICT) $(PY) tools/audit.py

sbom: env-run ## List all parts of a release (CycloneDX) in build/sbom/
	@$(PY) tools/sbom.py

translations: env-test ## Collect the strings of core and plugins into their .po files
	@$(PY) tools/translations.py update

env-run env-test env-bench env-fuzz:
	@python=$(BASE_PYTHON) && exec "$$python" tools/bootstrap.py $(@:env-%=%)

clean: ## Delete environment, caches and fetched files (not the data)
	rm -rf .venv node_modules app/static/vendor build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
