"""The JSON of an event: the fields used, their types, and how a line becomes a typed struct.

`from_json` is fast and forgiving: it turns any token into a string and, where another type is asked for, gives null
for the whole line. So the common line takes one pass, and only a suspect line is parsed a second time, into a variant
that remembers the types of its values: to tell a damaged line from valid JSON with a wrong type, and to name the field.
"""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# The fields in use. Unknown fields are tolerated, so nothing else is ever looked at.
EVENT_SCHEMA: Mapping[str, str | Mapping[str, str]] = {
    "$schema": "string",
    "action": "string",
    "dt": "string",
    "instrument_name": "string",
    "element_friendly_name": "string",
    "funnel_entry_token": "string",
    "meta": {"dt": "string", "id": "string"},
    "agent": {"client_platform_family": "string"},
    "mediawiki": {"database": "string"},
    "performer": {
        "id": "bigint",
        "name": "string",
        "is_logged_in": "boolean",
        "is_temp": "boolean",
        "is_bot": "boolean",
        "edit_count_bucket": "string",
        "session_id": "string",
        "pageview_id": "string",
    },
}

# Order in which a missing or wrongly typed field is looked for: the first one names the reason.
REQUIRED = (
    "$schema", "action", "meta.dt", "agent", "mediawiki.database", "performer.pageview_id", "performer.session_id",
)  # fmt: skip
OPTIONAL = (
    "dt", "element_friendly_name", "funnel_entry_token", "agent.client_platform_family", "performer.id",
    "performer.name", "performer.is_logged_in", "performer.is_temp", "performer.is_bot", "performer.edit_count_bucket",
    "meta.id",
)  # fmt: skip

# What `from_json` makes of a number, a boolean, an object, an array or a number beyond double (`"Infinity"`, with the
# quotes) where a string is asked for. A real string can look like this too: it only earns the line a second look.
_BARE = r"""(?m)^(?:["\[{]|(?:-?\d++(?:\.\d++)?(?:E-?\d++)?|true|false)$)"""
# Not here: fields whose odd values are refused whatever their type ($schema, meta.dt).
_LOOSE_STRINGS = (
    "action", "dt", "instrument_name", "element_friendly_name", "funnel_entry_token", "meta.id",
    "agent.client_platform_family",
    "mediawiki.database", "performer.name", "performer.edit_count_bucket", "performer.session_id",
    "performer.pageview_id",
)  # fmt: skip
_VARIANT_TYPES = {"string": "STRING", "bigint": "BIGINT", "boolean": "BOOLEAN"}
_STRICT_JSON = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}


def parse_lines(lines: DataFrame) -> DataFrame:
    """Parse each line into a typed event and say what is wrong with it.

    Args:
        lines: anything with a column `line` (string), one JSON object each.

    Returns:
        The columns of `lines` and
        `event`: a struct of EVENT_SCHEMA, null where the line is no JSON object; a wrongly typed value is null in it;
        `is_malformed`: whether the line is no JSON object (blank, damaged, two objects, an array, a field in use with
        bytes that are no UTF-8);
        `wrong_types`: dotted paths of wrongly typed fields, a parent instead of its children; null where there is none.
    """
    # The second element tells apart what the first bracket alone does not: text after the object, and a `]` in it.
    # Options also keep Spark from pruning unused fields out of the schema, which would change what is a wrong type.
    wrapped = F.concat(F.lit("["), F.col("line"), F.lit(",null]"))
    parsed = F.from_json(wrapped, f"array<{_ddl(EVENT_SCHEMA)}>", _STRICT_JSON)
    first = F.when(F.size("_parsed") == 2, F.get("_parsed", F.lit(0)))
    quick = lines.withColumn("_parsed", parsed).select(*lines.columns, first.alias("_quick"))
    suspect = quick.withColumn("_is_suspect", F.col("_quick").isNull() | _has_odd_string("_quick"))
    # A lambda is interpreted, not compiled: this keeps the generated code of the common line small. That the flag is
    # handed on as well keeps Spark from moving its making in here, where that would be interpreted too.
    variants = F.when(F.col("_is_suspect") & F.is_valid_utf8("line"), F.array(F.try_parse_json(wrapped)))
    checked = suspect.withColumn("_checked", F.get(F.transform(variants, _check), F.lit(0)))
    return _conclude(checked, lines.columns)


def _conclude(checked: DataFrame, columns: list[str]) -> DataFrame:
    """Choose between the quick and the second look, which is null for a line that is not suspect."""
    is_checked = F.col("_is_suspect") & F.coalesce(F.col("_checked.is_object"), F.lit(False))
    is_text = ~F.col("_is_suspect") | F.is_valid_utf8("line")
    wrong = F.col("_checked.wrong_types")
    has_wrong = is_checked & (F.size(wrong) > 0)
    # `from_json` found fault with a line of which the variant does not say where: it is not to be trusted either.
    return checked.select(
        *columns,
        F.when(has_wrong, F.col("_checked.event")).otherwise(F.col("_quick")).alias("event"),
        ((F.col("_quick").isNull() & ~has_wrong) | ~is_text).alias("is_malformed"),
        F.when(has_wrong, wrong).alias("wrong_types"),
    )


def _has_odd_string(event: str) -> Column:
    """Whether a string of an event looks like a bare JSON token or holds the mark of bytes that were no UTF-8."""
    strings = F.concat_ws("\n", *[F.col(f"{event}.{path}") for path in _LOOSE_STRINGS])
    return strings.rlike(_BARE) | strings.contains("\ufffd")


def _check(variant: Column) -> Column:
    """Rebuild an event from a variant `[object, null]`, keeping values of the right type only."""
    wrong = F.filter(F.array(*_wrong_parents(variant), *_wrong_leaves(variant)), lambda path: path.isNotNull())
    is_object = _type_of(variant, "$[0]").startswith("OBJECT")
    is_alone = (_type_of(variant, "$[1]") == "VOID") & _type_of(variant, "$[2]").isNull()
    return F.struct(
        F.coalesce(is_object & is_alone, F.lit(False)).alias("is_object"),
        _rebuild(variant, EVENT_SCHEMA, "").alias("event"),
        wrong.alias("wrong_types"),
    )


def _rebuild(variant: Column, schema: Mapping[str, str | Mapping[str, str]], prefix: str) -> Column:
    """A struct of `schema` from a variant: null for what is absent, null or of another type."""
    fields = []
    for name, kind in schema.items():
        path = _json_path(f"{prefix}{name}")
        found = _type_of(variant, path)
        if isinstance(kind, str):
            value = F.when(found == _VARIANT_TYPES[kind], F.try_variant_get(variant, path, kind))
        else:
            value = F.when(found.startswith("OBJECT"), _rebuild(variant, kind, f"{prefix}{name}."))
        fields.append(value.alias(name))
    return F.struct(*fields)


def _wrong_parents(variant: Column) -> list[Column]:
    """Names of the parents that are there but no objects, null for the others."""
    parents = [name for name, kind in EVENT_SCHEMA.items() if not isinstance(kind, str)]
    kinds = {name: _type_of(variant, _json_path(name)) for name in parents}
    return [F.when((kind != "VOID") & ~kind.startswith("OBJECT"), F.lit(name)) for name, kind in kinds.items()]


def _wrong_leaves(variant: Column) -> list[Column]:
    """Paths of the fields that are there with another type, in the order of the contract, null for the others."""
    wrong = []
    for path in (*REQUIRED, *OPTIONAL):
        kind = _leaf_type(path)
        if kind is not None:
            found = _type_of(variant, _json_path(path))
            wrong.append(F.when((found != "VOID") & (found != _VARIANT_TYPES[kind]), F.lit(path)))
    return wrong


def _leaf_type(path: str) -> str | None:
    """Type of a field, None for a parent."""
    name, _, child = path.partition(".")
    kind = EVENT_SCHEMA[name]
    if isinstance(kind, str):
        return kind
    return kind[child] if child else None


def _ddl(schema: Mapping[str, str | Mapping[str, str]]) -> str:
    """The schema as Spark's struct type."""
    fields = [f"`{name}`: {kind if isinstance(kind, str) else _ddl(kind)}" for name, kind in schema.items()]
    return f"struct<{', '.join(fields)}>"


def _json_path(path: str) -> str:
    """Where a dotted path lies in the variant `[object, null]`."""
    return "$[0]" + "".join(f'["{name}"]' for name in path.split("."))


def _type_of(variant: Column, json_path: str) -> Column:
    """Type of what lies at a path: null where nothing does, `VOID` for a JSON null."""
    return F.schema_of_variant(F.try_variant_get(variant, json_path, "variant"))
