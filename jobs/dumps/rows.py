"""What is read of a dump: the columns of a revision that the audience needs, and why a row is none of them."""

from __future__ import annotations

from jobs.columns import BIGINT, BOOLEAN, DATE, INT, STRING, TIMESTAMP, Columns

REVISIONS: Columns = {
    "wiki_db": STRING, "user_id": BIGINT, "event_time": TIMESTAMP, "edit_count": BIGINT, "namespace_historical": INT,
    "namespace_current": INT, "is_bot_then": BOOLEAN, "is_bot_now": BOOLEAN, "is_temporary": BOOLEAN,
    "is_cross_wiki": BOOLEAN, "is_deleted": BOOLEAN,
}  # fmt: skip
"""A row per revision by an account on one of the asked days; UTC.

`edit_count`: the editor's cumulative count of revisions with this one. `is_bot_…`: the list of reasons is not empty.
`is_temporary` by the column, in dumps of 70 columns by the name. `is_cross_wiki` is null in dumps of 70 columns.
`is_deleted`: the page was deleted since.
"""

FILES: Columns = {
    "wiki_db": STRING,
    "file": STRING,
    "fate": STRING,
    "reason": STRING,
    "n_rows": BIGINT,
    "first_line": BIGINT,
    "last_event_date": DATE,
}
"""What became of the rows of each file: how many of each fate and reason, the first line that has it, and the day of
the last event of any kind (the same in all rows of a file; null if there is none), for which rows that are quarantined,
or of days after those of the file, do not count. The fates add up to the rows of the file."""

KEPT, OUT_OF_SCOPE, QUARANTINED = "kept", "out_of_scope", "quarantined"
OTHER_EVENT = "other_event"  # no creation of a revision
OUTSIDE_WINDOWS = "outside_windows"  # a revision of other days
ANONYMOUS = "anonymous"  # no account: an IP address, or the user is hidden
WRONG_WIKI = "wrong_wiki"  # the row is of another wiki than its folder
MALFORMED = "malformed:"  # and the name of the column that cannot be read, as malformed:event_timestamp
