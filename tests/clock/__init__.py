"""The real daemon by a system clock that is wrong, and jumps."""
