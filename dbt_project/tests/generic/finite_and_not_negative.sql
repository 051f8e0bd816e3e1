{# Each column is null or a number from 0 up; not NaN, which is larger than any number, and not infinite. #}
{% test finite_and_not_negative(model, columns) %}
    select *
    from {{ model }}
    where
        {% for column in columns %}
            {{ "or" if not loop.first }} not ({{ column }} >= 0 and {{ column }} < cast('infinity' as double))
        {% endfor %}
{% endtest %}
