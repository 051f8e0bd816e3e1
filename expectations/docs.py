"""Great Expectations' Data Docs of a gate, if asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

RESULT_FORMAT = {"result_format": "COMPLETE"}  # the only one that names every failing row
Validate = Callable[[Any, Any, pd.DataFrame], Iterable[Any]]


@contextmanager
def docs_site(context: Any, directory: Path | None) -> Iterator[Validate]:
    """Give the function that validates a frame; with a directory, also keep its results and build the site at the end.

    Args:
        context: an ephemeral data context.
        directory: where the pages go; None for no pages, which is faster.
    """
    if directory is None:
        yield _validate
        return
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(directory.resolve())}
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": store,
    }
    context.add_data_docs_site(site_name="gate", site_config=site)

    def validate_and_keep(definition: Any, suite: Any, frame: pd.DataFrame) -> Iterable[Any]:
        from great_expectations import ValidationDefinition

        kept = context.suites.add(suite)
        run = context.validation_definitions.add(ValidationDefinition(name=suite.name, data=definition, suite=kept))
        results: Iterable[Any] = run.run(batch_parameters={"dataframe": frame}, result_format=RESULT_FORMAT).results
        return results

    yield validate_and_keep
    context.build_data_docs(site_names=["gate"])


def _validate(definition: Any, suite: Any, frame: pd.DataFrame) -> Iterable[Any]:
    batch = definition.get_batch(batch_parameters={"dataframe": frame})
    results: Iterable[Any] = batch.validate(suite, result_format=RESULT_FORMAT).results
    return results
