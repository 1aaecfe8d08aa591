"""Models in files: whole or not at all, checked before anything in them is believed."""
