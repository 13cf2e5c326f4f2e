# Two commands on a fresh machine: `make run` and `make test`. config/bootstrap.py does the work.
# PORT=8001 chooses another port, PYTHON=python3.12 another Python, CHROMIUM=/path a browser, YES=1 agrees.
PYTHON ?= python3
MAKEFLAGS += --no-print-directory

.PHONY: run setup test backup db-upgrade lock messages bench

run setup test backup db-upgrade lock:
	@exec $(PYTHON) config/bootstrap.py $@

# Finds every text, keeps locale/sv up to date and compiles it; says which texts have no Swedish.
messages: setup
	@.venv/bin/python config/catalogue.py

# Measures with ten thousand projects in a database of its own (docs/performance.md). BENCH="--only list --json"
bench: setup
	@.venv/bin/python -m bench $(BENCH)
