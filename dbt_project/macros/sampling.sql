{# Horvitz-Thompson total over sampling regimes: each kept unit stands for 1 / rate of them. #}
{% macro weighted_total(n) -%}
    cast(sum({{ n }} / sample_rate) as double)
{%- endmacro %}

{# A number of distinct users or sessions of a day: known only where the day has one regime. #}
{% macro distinct_over_regimes(n) -%}
    case when count(*) = 1 then cast(max({{ n }}) as bigint) end
{%- endmacro %}

{# The unit in force, or `mixed`. #}
{% macro unit_over_regimes() -%}
    case when count(distinct sample_unit) > 1 then 'mixed' else max(sample_unit) end
{%- endmacro %}
