{# None of the columns, which count users, shows a number of 1 to min_users - 1. #}
{% test small_cells_are_hidden(model, columns) %}
    select *
    from {{ model }}
    where
        {% for column in columns %}
            {{ "or" if not loop.first }} {{ is_small(column) }}
        {% endfor %}
{% endtest %}
