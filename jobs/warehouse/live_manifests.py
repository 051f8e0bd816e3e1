"""Manifests without entries of files that are gone: such an entry still holds the smallest and the largest values.

Of a file that a commit deletes, the manifest keeps an entry that says so, bounds of columns included: of a table with
users these are hashes, of refused lines their first letters. PyIceberg has no call that rewrites manifests.
"""

from __future__ import annotations

from pyiceberg.manifest import ManifestContent, ManifestFile
from pyiceberg.table import Table
from pyiceberg.table.refs import MAIN_BRANCH
from pyiceberg.table.snapshots import Operation, Snapshot
from pyiceberg.table.update.snapshot import _FastAppendFiles

from jobs.errors import WarehouseError


class _LiveManifests(_FastAppendFiles):
    """A snapshot of the same files, in manifests that name no others."""

    def _existing_manifests(self) -> list[ManifestFile]:
        found = []
        for manifest in super()._existing_manifests():  # those of deleted entries alone are left out there
            found.append(self._rewritten(manifest) if _may_hold_deleted(manifest) else manifest)
        return found

    def _rewritten(self, manifest: ManifestFile) -> ManifestFile:
        with self.new_manifest_writer(spec=self.spec(manifest.partition_spec_id)) as writer:
            for entry in self.fetch_manifest_entry(manifest):
                writer.existing(entry)
        return writer.to_manifest_file()


def has_deleted_entries(table: Table, snapshot: Snapshot | None) -> bool:
    """Whether a snapshot's manifests have entries of files that were deleted."""
    return snapshot is not None and any(map(_may_hold_deleted, snapshot.manifests(table.io)))


def drop_deleted_entries(table: Table, branch: str = MAIN_BRANCH) -> bool:
    """Give the rows of a branch a snapshot whose manifests name nothing else; the rows and the files stay as they are.

    Returns:
        Whether there was anything to drop.

    Raises:
        WarehouseError: rows were deleted one by one (by files of deletes), which would not be carried over.
    """
    head = table.refresh().snapshot_by_name(branch)
    if not has_deleted_entries(table, head):
        return False
    if head is not None and any(one.content == ManifestContent.DELETES for one in head.manifests(table.io)):
        raise WarehouseError(
            f"{'.'.join(table.name())} has rows that were deleted one by one, so its manifests cannot be made anew.",
            where=table.metadata_location,
            next_step="rewrite its data files (compact them with Spark), and repeat the command",
        )
    with table.transaction() as transaction:
        producer = _LiveManifests(Operation.APPEND, transaction, table.io, branch=branch)
        producer.commit()
    table.refresh()
    return True


def _may_hold_deleted(manifest: ManifestFile) -> bool:
    return manifest.deleted_files_count is None or manifest.deleted_files_count > 0
