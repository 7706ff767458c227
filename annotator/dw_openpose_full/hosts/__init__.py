"""What programs that we are a guest of ask for, and the doors to them.

:mod:`.preprocessor` is the heart and knows no host. A host is imported nowhere but in the packages
named after them; what crosses the border is arrays, numbers and plain dictionaries.
"""
