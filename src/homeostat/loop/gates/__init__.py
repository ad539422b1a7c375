"""What a candidate must show, one file per kind of gate."""
