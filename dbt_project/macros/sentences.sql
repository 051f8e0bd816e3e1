{# What no column says but a sentence does. The words are those of jobs/rows/comparable.py (AT_RATE) and
   jobs/policy/timeline.py (describe_changes); tests/dbt/test_wide_marts.py holds them together. #}

{# The rate a number stands at although its window was sampled otherwise, as in "as seen at 10 % of sessions"; null for
   every other number. Rows of different rates cannot be compared, those of one rate can over any change of sampling. #}
{% macro stands_at(status_reason) -%}
    nullif(regexp_extract({{ status_reason }}, 'as seen at [^,]*', 0), '')
{%- endmacro %}

{# Whether a break is a change of sampling and nothing besides; null where there is none. #}
{% macro is_change_of_sampling_alone(series_break) -%}
    ({{ series_break }} like 'sampling changed %' and {{ series_break }} not like '%;%')
{%- endmacro %}
