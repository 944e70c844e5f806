"""Backups: one file with all that a restore needs, made while everything runs, and put back."""
