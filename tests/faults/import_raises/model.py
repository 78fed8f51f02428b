import no_such_library


def make_model():
    return no_such_library.model()
