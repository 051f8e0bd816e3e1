{# Cell suppression (docs/contract.md, section 4.4: 1 <= users < min_users is hidden, zero is published). #}

{# True where a number of users, or a number that bounds users from above, is too small to show; never null. #}
{% macro is_small(n) -%}
    coalesce({{ n }} >= 1 and {{ n }} < {{ var('min_users') }}, false)
{%- endmacro %}

{# The same for a cell summed over sampling regimes: distinct users do not add up, their number lies between the
   largest and the sum of the regimes' numbers. Hidden unless it is surely zero or surely large enough. #}
{% macro is_small_over_regimes(n) -%}
    coalesce(sum({{ n }}) >= 1 and max({{ n }}) < {{ var('min_users') }}, false)
{%- endmacro %}

{% macro hide(column, condition) -%}
    case when not {{ condition }} then {{ column }} end
{%- endmacro %}
