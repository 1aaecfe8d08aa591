"""Trained networks as code for other machines."""
