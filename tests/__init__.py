"""Tests; a package so that they can share makers of input."""
