"""What the DAGs share: pure Python without Airflow, but for `assets`; the DAG processor skips it (`.airflowignore`)."""
