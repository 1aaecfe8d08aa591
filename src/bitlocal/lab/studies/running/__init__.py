"""Cells: what is trained, how, in which processes, and where results are kept."""
