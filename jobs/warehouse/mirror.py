"""A folder of this machine and what is stored of it: fetched as it is, and written through where it changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jobs.warehouse.store import Store, digest_of

AT_ONCE = 8  # objects


class Mirror:
    """Some folders and files of a folder, and the objects of the same paths.

    Args:
        store: the objects.
        folder: of this machine.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self._store, self._folder = store, folder
        self._known: dict[str, str] = {}  # what is stored, as far as it was fetched or put: by path its digest

    def fetch(self, folders: Iterable[str], files: Iterable[str] = ()) -> None:
        """Make these here what they are there.

        Raises:
            OSError: the store does not answer.
        """
        wanted = set(files)
        for name in folders:
            shutil.rmtree(self._folder / name, ignore_errors=True)
            (self._folder / name).mkdir()
            wanted |= {one.path for one in self._store.listed(name)}
        for place in {(self._folder / path).parent for path in wanted}:
            place.mkdir(parents=True, exist_ok=True)
        each(self._get, wanted)
        gone = tuple(f"{name}/" for name in folders)
        self._known = {path: digest for path, digest in self._known.items() if not path.startswith(gone)}
        for path in files:
            self._known.pop(path, None)
        self._known |= self._here([*folders, *files])

    def put(self, names: Iterable[str], last: tuple[str, ...], require: Callable[[], None]) -> None:
        """Put what changed here, then delete what is gone.

        Args:
            names: folders and files.
            last: endings of paths that are put when all others are, in the order of the endings.
            require: raises where nothing more may be put; asked before each group.

        Raises:
            OSError: the store does not answer.
        """
        found = self._here(names)
        changed = {path for path, digest in found.items() if self._known.get(path) != digest}
        each(self._put, {path for path in changed if not path.endswith(last)})
        for ending in last:
            require()
            each(self._put, {path for path in changed if path.endswith(ending)})
        require()
        each(self._store.delete, self._known.keys() - found.keys())
        self._known = found

    def _get(self, path: str) -> None:
        content = self._store.get(path)
        if content is None:  # none yet, or forgotten meanwhile
            (self._folder / path).unlink(missing_ok=True)
        else:
            (self._folder / path).write_bytes(content)

    def _put(self, path: str) -> None:
        self._store.put_file(path, self._folder / path)

    def _here(self, names: Iterable[str]) -> dict[str, str]:
        places = [self._folder / name for name in names]
        files = [file for place in places for file in (place.rglob("*") if place.is_dir() else [place])]
        return {
            f"{file.relative_to(self._folder)}": digest_of(file)
            for file in files
            if file.is_file() and not file.name.startswith(".")
        }


def each(action: Callable[[str], object], paths: Iterable[str]) -> None:
    """Do something with some objects at once; the first trouble is raised when all are done."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(action, paths))
