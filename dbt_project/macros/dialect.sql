{# The only places where DuckDB's and Spark's SQL differ for these models. #}

{# One row per day from `first` to `last`, both included, as column `date_day`; none where they are null. #}
{% macro days_between(relation, first, last) -%}
    {{ return(adapter.dispatch('days_between')(relation, first, last)) }}
{%- endmacro %}

{% macro duckdb__days_between(relation, first, last) -%}
    select cast(series.moment as date) as date_day
    from {{ relation }},
        unnest(generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day))
            as series(moment)
{%- endmacro %}

{% macro spark__days_between(relation, first, last) -%}
    select explode(sequence({{ first }}, {{ last }}, interval 1 day)) as date_day
    from {{ relation }}
{%- endmacro %}

{# 1 = Monday ... 7 = Sunday. #}
{% macro iso_weekday(day) -%}
    {{ return(adapter.dispatch('iso_weekday')(day)) }}
{%- endmacro %}

{% macro duckdb__iso_weekday(day) -%}
    cast(isodow({{ day }}) as int)
{%- endmacro %}

{% macro spark__iso_weekday(day) -%}
    cast(weekday({{ day }}) + 1 as int)
{%- endmacro %}

{# 2026-03 #}
{% macro month_label(day) -%}
    {{ return(adapter.dispatch('month_label')(day)) }}
{%- endmacro %}

{% macro duckdb__month_label(day) -%}
    strftime({{ day }}, '%Y-%m')
{%- endmacro %}

{% macro spark__month_label(day) -%}
    date_format({{ day }}, 'yyyy-MM')
{%- endmacro %}

{# What any of the sentences of a group says, each part once: a sentence has several, with "; " between. Null where there
   is no sentence. #}
{% macro joined_parts(sentence) -%}
    {{ return(adapter.dispatch('joined_parts')(sentence)) }}
{%- endmacro %}

{% macro duckdb__joined_parts(sentence) -%}
    array_to_string(
        list_sort(list_distinct(flatten(list(string_split({{ sentence }}, '; ')) filter (where {{ sentence }} is not null)))),
        '; '
    )
{%- endmacro %}

{% macro spark__joined_parts(sentence) -%}
    nullif(array_join(array_sort(array_distinct(flatten(collect_list(split({{ sentence }}, '; '))))), '; '), '')
{%- endmacro %}
