"""The engine that runs the transforms: embedded in the process by default, or Apache Spark. The one session factory."""
