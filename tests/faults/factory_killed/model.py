import os
import signal


def make_model():
    os.kill(os.getpid(), signal.SIGKILL)
