select
    metric,
    metric_version,
    name,
    definition,
    numerator,
    denominator,
    kind,
    unit,
    direction,
    window_kinds,
    family,
    caveats,
    task
from {{ ref('stg_reference__metrics') }}
