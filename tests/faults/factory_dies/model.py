import os


def make_model():
    os._exit(7)
