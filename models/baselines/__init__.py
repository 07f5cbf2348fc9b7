"""Plain methods that every claim is held against: one a file, and all by name in `registry`."""
