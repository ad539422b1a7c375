"""Scoring a table with a version: streamed, resumed after a kill, with its lineage."""
