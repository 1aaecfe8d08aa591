"""Arbitrary bytes for the reader of states in exported C."""
