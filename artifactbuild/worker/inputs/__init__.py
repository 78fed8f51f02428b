"""What a build really read: every file, folder and name under the project, however it was read.

On Linux a process next to the builder (`attendant`) answers a seccomp notification for each system
call that opens, lists or looks for a file, in the builder and in all that it starts
(`notifications`; seccomp_unotify(2)), so that reads of C++ and of child processes are seen.
Elsewhere Python's audit events stand in, which see less (`events`). Both write into a `ledger`.
What only Python knows, such as variables of the environment and optional modules, `asked` notes in
the builder itself. `reading` is what a build uses.
"""
