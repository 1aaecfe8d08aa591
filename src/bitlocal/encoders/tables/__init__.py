"""Tables of columns of any kind to bits."""
