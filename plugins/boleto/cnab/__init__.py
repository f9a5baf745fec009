"""CNAB 240 and 400: files to and from the banks, by tables of columns."""
