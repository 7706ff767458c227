"""The model zoo: which weights there are, where they lie, whether they are whole.

``catalogue`` is data, ``folders`` knows places, ``store`` finds and verifies.
"""
