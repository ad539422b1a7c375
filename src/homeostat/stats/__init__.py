"""Tests and intervals, one per file. PURE: arrays and seeds in, a result out."""
