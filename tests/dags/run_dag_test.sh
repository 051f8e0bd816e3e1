#!/usr/bin/env bash
# Run the daily DAG for one day, as Airflow would, without a scheduler. Another DAG may be named.
#
#   tests/dags/run_dag_test.sh INPUT_DIR WAREHOUSE DAY [DAG]
#
# It has an AIRFLOW_HOME of its own, which goes with it: a killed `dags test` leaves a run behind that would block the
# next one under max_active_runs=1. No retries, and no waiting for hours: `dags test` waits out every delay. No deadline:
# it ends in an error after a run that has one (apache/airflow#73428). PDMETRICS_CLI and PYTHON may be set.
set -euo pipefail
if [ $# -lt 3 ] || [ $# -gt 4 ]; then
  sed -n '2,5p' "$0" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-python}
export PDMETRICS_INPUT PDMETRICS_WAREHOUSE PDMETRICS_RETRIES=0 PDMETRICS_WAIT_HOURS=0 PDMETRICS_LATE_HOURS=0
PDMETRICS_INPUT=$(realpath "$1")
PDMETRICS_WAREHOUSE=$(realpath -m "$2")
export PDMETRICS_CLI=${PDMETRICS_CLI:-"$python -m jobs"}
export PYTHONPATH=$here${PYTHONPATH:+:$PYTHONPATH}

AIRFLOW_HOME=$(mktemp -d)
trap 'rm -rf "$AIRFLOW_HOME"' EXIT
export AIRFLOW_HOME
export AIRFLOW__CORE__DAGS_FOLDER=$here/dags
export AIRFLOW__CORE__LOAD_EXAMPLES=False
export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:///$AIRFLOW_HOME/airflow.db
export AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False SCARF_ANALYTICS=false
export AIRFLOW__LOGGING__LOGGING_LEVEL=${AIRFLOW__LOGGING__LOGGING_LEVEL:-INFO}

"$python" -m airflow db migrate >"$AIRFLOW_HOME/migrate.log" 2>&1 || { cat "$AIRFLOW_HOME/migrate.log" >&2; exit 1; }
"$python" -m airflow dags test "${4:-personal_dashboard_daily}" "$3"
