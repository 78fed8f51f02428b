"""The site: records told to people as one folder of static pages.

`standing` finds models and their drift, `shelf` reads what is published, `changes` compares
versions; `drawing` (by `folding` and `layout`) and `plots` work out what is drawn; `pages` renders,
under `names`; `folder` puts the result where it was asked for. Only records and cards are read: no
payload is loaded, nothing in them is run.
"""
