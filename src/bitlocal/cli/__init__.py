"""Command line: arguments and printing only; the work is done by the package."""
