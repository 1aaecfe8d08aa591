"""Data sets that are known by name: where they are looked for, and how they are had."""
