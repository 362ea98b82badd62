"""Everything a person sees: safe text, messages, progress, tables and curves, in rich.

Foreign strings go through `text.show` and reach rich only as `Text`.  Read in this order: text,
figures, console, messages, progress, plots, tables, closing.
"""
