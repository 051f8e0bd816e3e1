{# lower <= estimate <= upper wherever they are there, and no bound without the other. #}
{% test ordered_interval(model, lower="lower", estimate="estimate", upper="upper") %}
    select *
    from {{ model }}
    where
        {{ lower }} > {{ upper }}
        or {{ lower }} > {{ estimate }}
        or {{ estimate }} > {{ upper }}
        or ({{ lower }} is null) <> ({{ upper }} is null)
{% endtest %}
