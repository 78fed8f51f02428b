"""`python -m artifactbuild` is `artifactbuild`."""

from artifactbuild.entry import main

if __name__ == "__main__":
    main()
