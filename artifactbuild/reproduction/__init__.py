"""A released version made again, in a clean place, and held against its lock.

    Released -> Place -> Rebuilt -> Compared
    released    place    rebuild    compare

`released` finds what is to be made again, in the working tree or in a revision; `place` lays out a
copy of the project; `rebuild` runs `artifactbuild build` there, as it is or under a condition of
`conditions`; `compare` holds every file against the lock; `again` walks through them in order.
"""
