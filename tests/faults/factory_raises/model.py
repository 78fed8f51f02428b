def make_model():
    return {}["nothing"]
