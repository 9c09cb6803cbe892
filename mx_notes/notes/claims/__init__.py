"""The statements of the note, a file each with its experiment."""
