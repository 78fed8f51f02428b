"""A released version is rebuilt, and its lock accepts today's inputs if the payload is the same.

    Job -> done without a build, or rebuilt -> held against the lock -> a lock with other `inputs`
    deciding   relocking    difference

`deciding` finds what there is to accept, and what needs no build; `facts` takes the facts of a
release from published records into a lock that has none; `relocking` rebuilds, compares and writes
the lock; `difference` says how another payload differs, in the words of `diff`.
"""
