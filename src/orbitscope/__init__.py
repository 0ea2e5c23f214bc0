"""Orbitscope."""
