"""The backends, one a file; `routoo.solver.solve` lists them."""
