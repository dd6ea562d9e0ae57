"""chargepointd: the program on a charging station's controller board. See docs/architecture.md."""

__version__ = "0.1.0"
