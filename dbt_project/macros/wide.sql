{# Rows of metrics side by side, in a query that groups by whatever else tells its rows apart. #}

{# What a column says in the row of a metric; null where there is no such row. #}
{% macro of_metric(metric, column) -%}
    max(case when metric = '{{ metric }}' then {{ column }} end)
{%- endmacro %}

{# For each metric, columns named after it: `columns` says which column stands under which ending; the metrics of
   `have_more` have `more_columns` besides. What ends in `_reason` also says where there is no row of the metric, in the
   words of `absent`. #}
{% macro side_by_side(metrics, columns, absent, more_columns={}, have_more=[]) -%}
    {%- for metric in metrics -%}
        {%- set outer_last = loop.last -%}
        {%- set own = dict(columns, **more_columns) if metric in have_more else columns -%}
        {%- for ending, column in own.items() -%}
            {%- if ending.endswith('_reason') -%}
                case
                    when {{ of_metric(metric, 'status') }} is null then '{{ absent }}'
                    else {{ of_metric(metric, column) }}
                end
            {%- else -%}
                {{ of_metric(metric, column) }}
            {%- endif %} as {{ metric }}{{ ending }}
            {%- if not (outer_last and loop.last) %},
    {% endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}
