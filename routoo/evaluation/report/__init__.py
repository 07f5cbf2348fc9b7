"""An evaluation shown: the page and the table for a terminal."""
