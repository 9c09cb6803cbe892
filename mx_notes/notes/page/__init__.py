"""The page of the executed note."""
