"""What is read of a dump: the columns of a revision that the audience needs, and why a row is none of them."""

from __future__ import annotations

from jobs.columns import BIGINT, BOOLEAN, DATE, DOUBLE, INT, STRING, TIMESTAMP, Columns

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
    "usual_from": DATE,
    "last_day": DATE,
    "events_a_day": DOUBLE,
    "longest_silence": INT,
}
"""What became of the rows of each file: how many of each fate and reason, and the first line that has it. The fates add
up to the rows of the file.

The other columns are the same in all rows of a file. `last_event_date`: of events of any kind, null if there are none;
rows that are quarantined, or of days that are not those of the file, do not count. `last_day`: the newest day that its
events can be of. `events_a_day`, and `longest_silence` (days in a row without any): of the four weeks up to the last
event, from the first one on; of three or more days the former is without the busiest, which may be a bot's.
`usual_from`: the first day with a twentieth of `events_a_day` or more.
"""

KEPT, OUT_OF_SCOPE, QUARANTINED = "kept", "out_of_scope", "quarantined"
OTHER_EVENT = "other_event"  # no creation of a revision
OUTSIDE_WINDOWS = "outside_windows"  # a revision of other days
ANONYMOUS = "anonymous"  # no account: an IP address, or the user is hidden
WRONG_WIKI = "wrong_wiki"  # the row is of another wiki than its folder
MALFORMED = "malformed:"  # and the name of the column that cannot be read, as malformed:event_timestamp
