# Every target sets up what it needs first; a bare clone with Python 3.11 to 3.13 is enough.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: help setup demo report pictures airflow check types style test spark worlds kill-test scheduler-test cluster notebooks format clean lock fixture

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
DEMO ?= demo
START := 2026-03-02
END := 2026-04-13
DAYS := 42
PYTEST := $(BIN)/pytest

help:  ## Show what there is to make
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(VENV)/.installed  ## Install everything into .venv (about a minute)

$(VENV)/.installed: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 on the path: install one, or make PYTHON=/path/to/python"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --quiet --disable-pip-version-check install uv
	@echo "Installing into $(VENV) ..."
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib jobs expectations >/dev/null || true  # a third of a short run is compiling
	@touch $@

demo: export PDMETRICS_WAREHOUSE := $(DEMO)/warehouse
demo: setup  ## Simulate six weeks on four wikis, count who could be invited, run the main job, show results
	@rm -rf $(DEMO)
	$(BIN)/pdmetrics simulate --out $(DEMO)/world --start $(START) --days $(DAYS)
	$(BIN)/pdmetrics --set report.build=false audience --history $(DEMO)/world/history --snapshot 2026-03 --as-of 2026-03-31
	$(BIN)/pdmetrics run --start $(START) --end $(END) --input $(DEMO)/world
	@$(BIN)/pdmetrics query "select metric, wiki_db, round(estimate, 3) as estimate, round(lower, 3) as lower, round(upper, 3) as upper, status from fct_metric_values where as_of_date = date '2026-04-12' and inference = 'realised' and ((window_days = 28 and metric in ('dashboard_pageviews', 'dashboard_visitors', 'reviewers', 'two_day_review_rate')) or metric = 'two_week_return_rate') and wiki_db != 'all' order by metric, wiki_db"
	@echo "The report: open $(DEMO)/warehouse/report/index.html in a browser."
	@echo "Next commands to try, in this folder:"
	@echo "  export PDMETRICS_WAREHOUSE=$(DEMO)/warehouse PATH=\"\$$PWD/$(BIN):\$$PATH\""
	@echo "  pdmetrics simulate --out $(DEMO)/world --extend 1        # one more day of events"
	@echo "  pdmetrics run --date $(END) --input $(DEMO)/world     # and of numbers"
	@echo "  pdmetrics explain two_day_review_rate --wiki enwiki --window quarter"
	@echo "  pdmetrics explain eligible_editors --wiki enwiki"
	@echo "  pdmetrics milestones"
	@echo "  pdmetrics query 'show tables'"
	@echo "  pdmetrics query \"select wiki_db, as_of_date, status, remedy from fct_metric_values where metric = 'two_week_return_rate' and inference = 'realised'\""
	@echo "  pdmetrics query 'select fate, reason, sum(n_lines) as n_lines from fct_ingest_log group by all order by 3 desc'"
	@echo "  pdmetrics doctor"

report: setup  ## Make the report of the demo anew, in demo/report
	$(BIN)/pdmetrics --warehouse $(DEMO)/warehouse report --out $(DEMO)/report

pictures: setup  ## Take the README's pictures of the demo's report (needs Chromium)
	$(BIN)/python benchmarks/screenshots.py --warehouse $(DEMO)/warehouse

airflow: setup  ## A local Airflow with the DAGs, without a login, on a small world of its own; Ctrl-C stops it
	@exec $(BIN)/python -m tests.scheduler.standalone

check: setup  ## Lint, types and the quick tests
	@$(MAKE) --no-print-directory -j 2 --output-sync types style
	$(PYTEST) -m "not integration and not kill and not airflow and not dbt and not worlds and not engines and not install and not scheduler and not cluster" -n 2

types: setup
	$(BIN)/mypy

style: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/vulture
	cd dbt_project && ../$(BIN)/sqlfluff lint --disable-progress-bar models

# On Spark: what it computes line by line and day by day, and the worked examples, which go through all window sums. What
# decides which days are computed again, and the recounts of window sums, run there by `make spark` only.
SLOW_ON_SPARK := tests/steps/test_estimates.py tests/window_sums/%

# The files that name one of these marks: to collect all of them takes ten seconds each time.
marked = $(sort $(shell grep -rlE 'mark\.($(1))\b' tests --include='test_*.py'))

test: check  ## Everything that CI runs
	$(PYTEST) -m "integration or kill or airflow or dbt or install" -n 2 --dist loadfile --no-loadscope-reorder \
		$(call marked,integration|kill|airflow|dbt|install)
	PDMETRICS_TEST_ENGINE=spark $(PYTEST) -m spark -n 2 --dist loadfile $(filter-out $(SLOW_ON_SPARK),$(call marked,spark))
	PDMETRICS_TEST_ENGINE=spark $(PYTEST) -m "(on_spark and not spark) or engines" -n 2 --dist loadfile --no-loadscope-reorder \
		$(call marked,on_spark|engines)

spark: setup  ## Every test of whole worlds, kills included, on Spark (long)
	PDMETRICS_TEST_ENGINE=spark $(PYTEST) -m spark
	PDMETRICS_TEST_ENGINE=spark $(PYTEST) -m "(on_spark or integration or kill) and not spark"

worlds: setup  ## Sampled worlds against their truth, scenario by scenario (long)
	$(PYTEST) -m worlds

kill-test: setup  ## Kill runs at ten random moments, rerun, compare with an undisturbed run
	PDMETRICS_TEST_KILLS=10 $(PYTEST) -m kill -s tests/integration/test_kills.py

scheduler-test: setup  ## Days through a real Airflow: lost hours, kills, a failed gate, a snapshot (ten minutes)
	$(PYTEST) -m scheduler -s -x tests/scheduler tests/dags

cluster: setup  ## A day on a Spark cluster with a catalog on PostgreSQL and files on S3 (needs Java and PostgreSQL)
	PDMETRICS_TEST_REQUIRED=1 $(PYTEST) -m cluster -s

notebooks: setup  ## Run the notebooks of the docs on the demo's marts and write their pages (after make demo)
	PDMETRICS_WAREHOUSE=$(DEMO)/warehouse $(BIN)/python docs/notebooks/execute.py

format: setup  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

fixture: setup  ## Renew the small lake of dbt's target `dev` (a minute)
	@work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && \
		$(BIN)/pdmetrics simulate --out "$$work/world" --start $(START) --days 35 --scale 0.4 && \
		$(BIN)/pdmetrics --warehouse "$$work/warehouse" run --steps ingest,estimates,marts --start $(START) --end 2026-04-06 --input "$$work/world" && \
		$(BIN)/pdmetrics --warehouse "$$work/warehouse" audience --history "$$work/world/history" --snapshot 2026-03 --as-of 2026-03-31 && \
		$(BIN)/python dbt_project/fixture/renew.py "$$work/warehouse"

lock: setup  ## Make requirements.txt from requirements.in
	$(BIN)/uv pip compile --generate-hashes --no-header --universal --python-version 3.11 -q requirements.in -o requirements.txt

clean:  ## Remove what was built, but the environment
	rm -rf $(DEMO) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis dbt_project/target dbt_project/logs
