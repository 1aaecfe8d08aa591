"""`python -m bitlocal`: the command line."""

from bitlocal.cli.main import main

if __name__ == "__main__":
    main()
