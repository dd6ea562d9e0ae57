"""Contracts that every driver must pass, for our own drivers and those of an OEM."""
