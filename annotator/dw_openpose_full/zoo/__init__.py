"""The model zoo: which weights there are, where they lie, whether they are whole.

``cards`` and ``catalogue`` are data, ``folders`` knows places, ``store`` finds and verifies and
``proofs`` remembers. ``fetch`` brings what is not here: ``hub`` and ``download`` by way of ``web``
into ``parts``. ``auto`` chooses.
"""
