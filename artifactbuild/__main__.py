"""`python -m artifactbuild` is `artifactbuild`."""

import os
import sys

if __name__ == "__main__":
    # Python puts the current folder first; what lies there must not stand in for our libraries.
    sys.path[:] = [path for path in sys.path if path not in ("", os.getcwd())]

    from artifactbuild.entry import main

    main()
