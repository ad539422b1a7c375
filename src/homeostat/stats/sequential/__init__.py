"""Anytime-valid methods: one may look after every row and still hold the stated error rate."""
