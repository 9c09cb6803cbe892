"""The note, executable: each statement a module with an experiment, its evidence and a computed verdict."""
