import sys


def make_model():
    sys.exit("no licence found")
