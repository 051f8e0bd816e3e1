"""The one thing pyproject.toml cannot say: found packages together with folders that lie elsewhere.

`conf` and `dbt_project` stay at the root of the repository and travel inside of `jobs`; pyproject.toml says from where
(`package-dir`) and which of their files (`package-data`). jobs/resources.py finds them in both places.
"""

from setuptools import find_packages, setup

setup(packages=[*find_packages(include=["jobs*", "expectations*", "pdmetrics*"]), "jobs.conf", "jobs.dbt_project"])
