"""How far one distribution is from another, and whether that is more than chance."""
