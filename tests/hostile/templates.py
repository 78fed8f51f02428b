"""Hostile card templates: `card` renders none of them, reads no other file, ends in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.hostile.ground import Ground

Text = Callable[[Ground], str]

CASES: Mapping[str, Text] = {
    "attributes_of_a_class": lambda at: "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "attributes_by_filter": lambda at: "{{ '' | attr('__class__') | attr('__mro__') }}",
    "attributes_by_format": lambda at: "{{ '{0.__class__.__mro__}'.format(notes) }}",
    "globals_of_a_function": lambda at: (
        "{{ cycler.__init__.__globals__.os.popen('touch ../marker').read() }}"
    ),
    "include_of_a_file": lambda at: "{% include '" + str(at.canary) + "' %}",
    "import_of_a_file": lambda at: "{% import '../../canary' as other %}",
    "change_of_a_value": lambda at: "{{ loaders.append(1) }}",
    "huge_range": lambda at: "{% for i in range(10 ** 12) %}x{% endfor %}",
    "nested_loops": lambda at: (
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    ),
    "huge_text": lambda at: "{{ 'x' * (10 ** 11) }}",
    "huge_power": lambda at: "{{ 10 ** (10 ** 10) }}",
    "huge_width": lambda at: "{{ '%99999999999d' % 1 }}",
    "recursion": lambda at: "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
}
