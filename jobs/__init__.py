"""PersonalDashboard metrics: raw dashboard events in, trusted marts out."""

import os

__version__ = "0.1.0"

# The matrices of a fit are small: threads would cost more than they save, and move its last digits.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
