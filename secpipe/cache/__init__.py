"""Where the program keeps files of its own."""
