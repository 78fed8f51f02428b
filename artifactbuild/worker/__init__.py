"""The wing that makes: everything that imports TensorFlow, behind one door (`server`).

The command line starts one server process, which imports TensorFlow and runs no operation. A
builder, its validators and the proposer of a first manifest are forks of it, so that one import
serves them all and each of them is as clean as a fresh interpreter. They receive and report plain
data (`messages`).
"""
