"""PersonalDashboard metrics: raw dashboard events in, trusted marts out."""

__version__ = "0.1.0"
