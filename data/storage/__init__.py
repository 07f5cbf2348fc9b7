"""Files on disk: regular, whole or not at all, replaced as one."""
