"""The ways in which recorded outcomes are kept, one a file; `routoo.data.formats.readers` tries them."""
