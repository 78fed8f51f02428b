"""What was answered last time, and how everything that the answer came from looked then.

One file for each artifacts root, a cache like git's index (https://git-scm.com/docs/racy-git): it
may be deleted at any time, and nothing is made from it. It lies in the user's own cache, never in a
checkout, which holds what others wrote. An answer is given again while every file and
folder that it came from looks as it did: size, times of content and inode, inode, mode. What looks
otherwise is read; if it holds the same, the answer stands and the new looks are remembered.

Looks deceive only where a file changes in the very tick of the clock in which it was looked at. So
what changed since the looking began, or shortly before, is not remembered until it has settled.

`location` says where the file lies, `entries` is the file and the look at what it names; both
import next to nothing. `answers` is all else.
"""
