{# No row meets the condition; the test's description says what is wrong with one that does. `kinds` limits the rule to
   metrics of these kinds, as dim_metric has them: `count`, `ratio`, `rate`. #}
{% test no_row(model, condition, kinds=[]) %}
    select *
    from {{ model }}
    where
        ({{ condition }})
        {% if kinds %}
            and metric in (
                select catalogue.metric
                from {{ ref('dim_metric') }} as catalogue
                where catalogue.kind in ('{{ kinds | join("', '") }}')
            )
        {% endif %}
{% endtest %}
