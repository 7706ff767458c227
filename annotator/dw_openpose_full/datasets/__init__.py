"""Data sets to learn from: published layouts, packed arrays, shards, synthetic people; no torch.

Order of the work: ``layouts`` (what a folder holds, what is missing), ``packing`` (annotations to
mapped arrays, over ``filtering`` and ``json_stream``), ``packed`` (their people as ``samples``, by
way of ``augmentation``, ``crops`` and ``pixels``), ``people`` (the door: folders in, people out).
Beside it: ``sharding`` and ``shards`` (crops in tar files), ``ubody`` (frames out of its videos),
``mannequins``.
"""
