select
    metric,
    metric_version,
    name,
    definition,
    numerator,
    denominator,
    window_kinds,
    family,
    caveats,
    task
from {{ source('reference', 'metrics') }}
