"""What is measured of a policy: a metric a file."""
