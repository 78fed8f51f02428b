"""`python -m artifactbuild` is `artifactbuild`."""

from artifactbuild.cli import main

if __name__ == "__main__":
    main()
