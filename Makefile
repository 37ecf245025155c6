# Everything a person types. `make help` lists it; no target needs a key, an account or an environment variable.
SHELL := bash
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python

# The plain python3 of a machine may be too old, and a pyenv shim may exist and not start: try until one really runs.
define MAKE_VENV
set -e; \
starts() { "$$1" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info < (3, 15))' >/dev/null 2>&1; }; \
found=""; \
for p in python3.13 python3.12 python3.14 python3 python $$(ls -d "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.1[234]*/bin/python 2>/dev/null | sort -rV); do \
  if starts "$$p"; then found="$$p"; break; fi; done; \
if [ -n "$$found" ]; then "$$found" -m venv --clear $(VENV); \
elif command -v uv >/dev/null 2>&1; then uv venv -q --clear --seed --python 3.13 $(VENV); \
else echo "Python 3.12, 3.13 or 3.14 is needed and none was found: install one (for example: apt install python3.13, brew install python@3.13, or pyenv install 3.13)."; exit 1; fi
endef

# Values that only have the right shape: what `check --deploy` needs to read the production settings.
PRODUCTION := FTE_MODE=production DATABASE_URL=postgresql://fte@127.0.0.1:5432/fte KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 \
  SECRET_KEY=5f2b8c1d9e7a4036b1c8d2e5f7a90b3c6d8e1f2a4b7c9d0e5a61 PUBLIC_BASE_URL=https://desk.example.com \
  STATUS_TOKEN_KEY=9c4e7f1a2b5d8063c6e9f2a5b8d1e4c7f0a3b6d9e2c5f8a1 EMAIL_URL=smtp+tls://mail.example.com:587 \
  ALLOWED_HOSTS=desk.example.com EMAIL_FROM=support@example.com MEDIA_ROOT=/srv/media

.PHONY: help demo test test-kafka check smoke chaos outage bench install dev requirements clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

$(PY):
	@$(MAKE_VENV)

$(VENV)/.installed: requirements.txt | $(PY)
	@echo "Installing the packages (once, about a minute) ..."
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

install: $(VENV)/.installed
dev: $(VENV)/.installed-dev

demo: install  ## start everything on this machine and print where it is
	@$(PY) manage.py demo

test: dev  ## all tests, on real embedded PostgreSQL and a real broker
	@$(PY) -m pytest -n 2 --dist loadfile -q

test-kafka: dev  ## broker, worker, crash and chaos tests against a real Apache Kafka (needs Java and Maven)
	@$(PY) -m tests.apache_kafka

check: dev  ## style, types, missing migrations, production settings
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(PY) -m tests.services $(PY) manage.py makemigrations --check --dry-run
	@env $(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING

smoke: install  ## a temporary instance, five conversations through it, one line of JSON
	@$(PY) -m tests.smoke

chaos: dev  ## customers write while processes, database and broker are killed; MESSAGES= KILLS= SEED= CHANNELS=web_form,email HISTORY=file
	@$(PY) -m tests.chaos $(if $(MESSAGES),--messages $(MESSAGES)) $(if $(KILLS),--kills $(KILLS)) \
	  $(if $(SEED),--seed $(SEED)) $(if $(CHANNELS),--channels $(CHANNELS)) $(if $(HISTORY),--history $(HISTORY))

outage: dev  ## 50 form posts a second for a minute while broker, model and mail server are down; one line of JSON
	@$(PY) -m tests.outage 2>/dev/null

bench: dev  ## the search over 20,000 made-up passages, or 100,000 with FULL=1: recall, times, one line of JSON
	@$(PY) -m tests.bench.search --chunks $(if $(FULL),100000,20000)

requirements: dev  ## compile the hashed locks again from the .in files (needs uv)
	uv pip compile -q --generate-hashes --python-version 3.12 --universal --no-header requirements.in -o requirements.txt
	uv pip compile -q --generate-hashes --python-version 3.12 --universal --no-header requirements-dev.in -o requirements-dev.txt

clean:  ## remove the virtual environment and the caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
