"""The claims, a module each; a module whose name begins with `_` helps one claim."""
