"""The records all of routoo speaks in: outcomes, pool, scores, assignments; their readers; the errors."""
