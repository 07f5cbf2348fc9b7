"""Tables on disk, and what their columns may hold."""
