{# None of the columns is null, in one scan: fails with one row per column and its number of nulls. #}
{% test not_null_columns(model, columns) %}
    with counts as (
        select
            {% for column in columns %}
                count(*) - count({{ column }}) as {{ column }}{{ "," if not loop.last }}
            {% endfor %}
        from {{ model }}
    )

    {% for column in columns %}
        select
            '{{ column }}' as column_name,
            {{ column }} as n_nulls
        from counts
        where {{ column }} > 0
        {{ "union all" if not loop.last }}
    {% endfor %}
{% endtest %}
