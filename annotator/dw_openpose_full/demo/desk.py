"""What the demo does for one user at a time; it keeps nothing of them but files to be fetched.

Every call brings along all it needs: the photo, the pose as JSON text, the settings. So no user
can meet another's work.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import OptionError, PictureError
from ..figures import OpenPoseFigures
from ..generation import Generated
from ..geometry import resized
from ..pictures import encode_png
from ..pictures.decoding import decode
from ..poses import ImageSize, RgbImage
from ..render import Style
from .annotating import Reader
from .config import DemoSettings
from .editing import Sheet, draw, nobody
from .making import Studio
from .onlooker import Onlooker
from .rooms import NOT_SENT, Room

UPLOAD_BYTES: Final = 20 * 10**6
"""Largest file that a browser may send."""


@dataclass(frozen=True)
class Upload:
    """A file that a user has sent.

    Attributes:
        path: In the demo's room.
        name: What the user calls it.
    """

    path: Path
    name: str


@dataclass(frozen=True, eq=False)
class Drawn:
    """A pose as it is shown.

    Attributes:
        figure: File of the canvas.
        overlay: File of the photo with the figures on it, where there is a photo.
        people: A line and the id of each person.
        left_out: Ids of those who are not drawn.
        text: The whole pose as JSON.
        document: File with the JSON of those who are drawn.
        note: What ran, in a sentence.
    """

    figure: Path
    overlay: Path | None
    people: list[tuple[str, int]]
    left_out: list[int]
    text: str
    document: Path
    note: str


@dataclass(frozen=True, eq=False)
class Gallery:
    """Pictures that were made.

    Attributes:
        pictures: File and caption of each; the first is what the models were shown.
        note: What ran, in a sentence.
    """

    pictures: list[tuple[Path, str]]
    note: str


class Desk:
    """Reads, draws and makes what users ask for; callable from any thread."""

    def __init__(
        self, room: Room, reader: Reader, studio: Studio, *, settings_name: str = "settings.json"
    ) -> None:
        """Take those who do the work, the room for files, and the name of settings files."""
        self.room, self.reader, self.studio = room, reader, studio
        self._settings_name = settings_name

    def annotate(self, photo: Upload | None, settings: DemoSettings, onlooker: Onlooker) -> Drawn:
        """Read the people of a photo and draw them.

        Raises:
            DwPoseError: If the photo is none, or its poses can not be read.
            StoppedError: If the onlooker has asked to stop.
        """
        picture = self.picture(photo)
        if not settings.reads_poses:
            return self._as_it_is(picture, settings)
        reading = self.reader.read(picture, settings, onlooker)
        annotation = reading.annotation
        sheet = Sheet(annotation.figures, annotation.poses.model)
        found = {0: "nobody found", 1: "1 person found"}.get(
            len(sheet.figures), f"{len(sheet.figures)} people found"
        )
        return self._drawn(sheet, [], settings, picture, f"{found}. {reading.description}")

    def render(
        self, photo: Upload | None, text: object, leave_out: object, settings: DemoSettings
    ) -> Drawn:
        """Draw a pose that a user has edited.

        Args:
            photo: For the overlay, where there is one.
            text: The pose as JSON text.
            leave_out: Ids of people who are not drawn.
            settings: How.

        Raises:
            DwPoseError: If the JSON is none, or the photo.
        """
        sheet = Sheet.read(text)
        picture = None if photo is None else self.picture(photo)
        note = f"{len(sheet.rows(leave_out))} of {len(sheet.figures)} people drawn"
        return self._drawn(sheet, leave_out, settings, picture, note)

    def toggle(
        self, text: object, leave_out: object, place: tuple[float, float]
    ) -> list[int] | None:
        """Leave out the person at a pixel of the canvas, or take them in again.

        Returns:
            Ids of those who are left out now; ``None`` where nobody is near.

        Raises:
            DwPoseError: If the JSON is none.
        """
        sheet = Sheet.read(text)
        person = sheet.person_at(*place)
        if person is None:
            return None
        return sorted(set(sheet.left_out(leave_out)) ^ {person})

    def generate(
        self,
        photo: Upload | None,
        text: object,
        leave_out: object,
        settings: DemoSettings,
        onlooker: Onlooker,
    ) -> Gallery:
        """Make pictures of a pose; it is read from the photo where there is none yet.

        Raises:
            DwPoseError: If the pose is none, or pictures can not be made of it.
            StoppedError: If the onlooker has asked to stop.
        """
        pose: OpenPoseFigures | RgbImage
        if not settings.reads_poses:
            pose = self.picture(photo)
        elif isinstance(text, str) and text.strip():
            sheet = Sheet.read(text)
            pose = sheet.only(sheet.rows(leave_out))
        else:
            pose = self.reader.read(self.picture(photo), settings, onlooker).annotation.figures
        made = self.studio.make(pose, settings, onlooker)
        title = self.studio.families[settings.family].title
        return Gallery(self._gallery(made), f"{len(made.pictures)} made with {title}")

    def picture(self, photo: Upload | None) -> RgbImage:
        """Read a photo.

        Raises:
            PictureError: If there is none, or it is no picture that can be used.
        """
        if photo is None:
            raise PictureError("there is no picture yet; choose one")
        try:
            data = photo.path.read_bytes()
        except OSError as error:
            raise PictureError(
                f"{photo.name}: it is no longer here; choose the picture again"
            ) from error
        if not data:
            raise PictureError(f"{photo.name}: expected a picture, got an empty file")
        return decode(data, photo.name)

    def upload(self, said: object) -> Upload | None:
        """What a browser says of a file it has sent, checked.

        Raises:
            OptionError: If it names anything but a file that was sent here.
        """
        if said is None:
            return None
        path = said.get("path") if isinstance(said, dict) else said
        if not isinstance(path, str) or not self.room.holds(path):
            raise OptionError(NOT_SENT)
        given = said.get("orig_name") if isinstance(said, dict) else None
        return Upload(Path(path), str(given or Path(path).name)[:100])

    def settings_file(self, settings: DemoSettings) -> Path:
        """Write a settings file to be fetched."""
        path = self.room.hand_out(self._settings_name, b"")
        settings.write(path)
        return path

    def _as_it_is(self, picture: RgbImage, settings: DemoSettings) -> Drawn:
        """A picture that is a canvas already."""
        size = settings.look().canvas_size(ImageSize.of(picture))
        sheet = nobody(size)
        figure = self.room.hand_out("figure.png", encode_png(resized(picture, size)))
        document = self.room.hand_out("pose.json", sheet.text([]).encode())
        return Drawn(figure, None, [], [], "", document, "the picture is taken as the figure")

    def _drawn(
        self,
        sheet: Sheet,
        leave_out: object,
        settings: DemoSettings,
        picture: RgbImage | None,
        note: str,
    ) -> Drawn:
        """Draw some of a sheet's people and put everything into files."""
        rows, style = sheet.rows(leave_out), settings.look().style
        canvas, overlay = draw(sheet.only(rows), Style.named(style), settings.drawn, picture)
        return Drawn(
            figure=self.room.hand_out("figure.png", encode_png(canvas)),
            overlay=None
            if overlay is None
            else self.room.hand_out("overlay.png", encode_png(overlay)),
            people=sheet.people,
            left_out=sheet.left_out(leave_out),
            text=sheet.text(range(len(sheet.figures))),
            document=self.room.hand_out("pose.json", sheet.text(rows).encode()),
            note=note,
        )

    def _gallery(self, made: Generated) -> list[tuple[Path, str]]:
        """Files and captions of what was made, the canvas first."""
        files = [(self.room.hand_out("pose.png", encode_png(made.canvas)), "pose")]
        for picture, seed in zip(made.pictures, made.seeds, strict=True):
            path = self.room.hand_out(f"seed_{seed}.png", encode_png(picture))
            files.append((path, f"seed {seed}"))
        return files
