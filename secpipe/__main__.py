"""`python -m secpipe` is the command `secpipe`."""

from secpipe.cli import main

if __name__ == "__main__":
    main()
