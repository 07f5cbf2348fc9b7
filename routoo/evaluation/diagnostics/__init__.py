"""What an evaluation shows: a diagnostic a file, with its sentence and its chart."""
