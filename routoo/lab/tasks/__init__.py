"""Tasks in plain English, generated with their exact answers, a family a function."""
