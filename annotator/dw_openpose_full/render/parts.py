"""Which parts of a figure are drawn."""

from __future__ import annotations

from enum import Flag

from ..errors import OptionError


class Parts(Flag):
    """Parts of a figure; join them with ``|``.

    ``ALL`` is what the ControlNets were trained on. Feet are not among it: no published ControlNet
    has seen any, so they are drawn for who asks for ``Parts.ALL | Parts.FEET``.
    """

    NONE = 0
    BODY = 1
    HANDS = 2
    FACE = 4
    FEET = 8
    ALL = BODY | HANDS | FACE

    @classmethod
    def parse(cls, names: str) -> Parts:
        """Read parts as written on a command line.

        >>> Parts.parse("body, hands") == Parts.BODY | Parts.HANDS
        True

        Args:
            names: Names with commas between them: body, hands, face, feet, all, none.

        Raises:
            OptionError: If a name is none of these.
        """
        parts = cls.NONE
        for name in names.split(","):
            part = cls.__members__.get(name.strip().upper())
            if part is None:
                choices = ", ".join(choice.lower() for choice in cls.__members__)
                raise OptionError(
                    f"parts must be names out of {choices}, with commas between them; "
                    f"got {name.strip()!r} in {names!r}"
                )
            parts |= part
        return parts
