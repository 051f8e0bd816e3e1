"""Build the marts with dbt, and read them."""
