"""The verbs of the command line, one a file: parse, call the Python API, print."""
