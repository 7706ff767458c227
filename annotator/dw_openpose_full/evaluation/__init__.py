"""The measuring room: how near poses are to a data set's, in COCO-WholeBody's own numbers.

Order of the work: ``annotations`` and ``predictions`` (files to arrays, over ``documents``),
``ubody`` (which pictures count), ``metrics`` (a library's AP and AR, part by part, over
``libraries``), ``report`` and ``published``. Where predictions are still to be made: ``boxes``
(where people are), ``predicting`` (pictures to results, over ``flip`` and ``repeats``), ``journal``
(kept as they come).
"""
