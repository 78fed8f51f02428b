LEFT = {}
