# make demo: watch a house close every business day of several years.   make check: every promise, tested.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONUTF8 := 1
unexport PYTHONDONTWRITEBYTECODE  # the suite starts many processes: they need not compile every file anew
HOUSE ?= demo-house

.PHONY: demo check check-kill fuzz slow bench clean help

help: ## what each target does
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/'

$(VENV)/ready: pyproject.toml constraints/lock.txt constraints/data.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Tsutsumi needs Python 3.11 or newer"'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints/lock.txt -e '.[demo,bench,test,postgres]'
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -r constraints/data.txt
	touch $@

demo: $(VENV)/ready ## build a sample house in ./demo-house and close every business day of it
	$(BIN)/tsutsumi demo $(HOUSE)

check: $(VENV)/ready ## style, import contracts, cases, properties, kills (about 5 minutes on two cores)
	$(BIN)/ruff check src tests bench
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2 --dist worksteal

check-kill: $(VENV)/ready ## 200 process kills at random points
	$(BIN)/pytest -m kill

fuzz: $(VENV)/ready ## many random cases against the slow oracles
	$(BIN)/pytest -m fuzz

slow: $(VENV)/ready ## long tests; TSUTSUMI_MARKET_DIR names a folder of NAV files
	$(BIN)/pytest -m slow -rs

bench: $(VENV)/ready ## the close against set-based SQL in DuckDB
	$(BIN)/tsutsumi bench close --contracts 200000

clean: ## remove what the targets made
	rm -rf $(VENV) $(HOUSE) build dist
