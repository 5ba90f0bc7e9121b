"""Stands in for the package http-parser, whose C code no longer compiles: what pymesos uses of it."""
