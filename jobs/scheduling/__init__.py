"""What the DAGs need of us: command lines, defaults, sensors, runners, retries, notifiers and assets.

It is a part of the package, so that a DAG file works from whatever folder of DAGs it lies in, beside those of others.
Nothing here imports more than Python itself (`site`, `commands`, `causes`) or Airflow (the rest), so that parsing a DAG
file stays quick and an Airflow that runs the tasks in another environment needs the package alone, without what it
depends on.
"""
