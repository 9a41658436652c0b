"""`medauth desktop`: a Tk window with the live picture, captures and their faces, folders of pictures, and the timeline."""

from __future__ import annotations

import time
import tkinter as tk
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tkinter import filedialog, ttk

import cv2
import numpy as np
from numpy.typing import NDArray

from medauth.desktop.background import Background
from medauth.desktop.expression_history import ExpressionHistory
from medauth.desktop.feed import Feed
from medauth.desktop.gallery import Capture, Gallery, Predicted, opened, predict_folder, table, thumbnail
from medauth.desktop.picture_reader import PictureReader
from medauth.errors import MedauthError, StoreError
from medauth.report.live_overlay import LiveOverlay, LiveView

Picture = NDArray[np.uint8]

_VIEW = (640, 480)
_THUMB_PX = 96
_SHOWN = 24
_STRIP = (640, 90)
_SPAN_MS = 30_000.0
_EVERY_MS = 25


class DesktopWindow:
    """Everything on one window. Runs in the thread that made it; `close` ends all threads."""

    def __init__(
        self,
        feed: Feed,
        look: Callable[[Picture, float], LiveView],
        pictures: PictureReader,
        gallery: Gallery,
    ) -> None:
        self.root = tk.Tk()
        self.root.title("medauth desktop")
        self._feed, self._pictures, self._gallery = feed, pictures, gallery
        self._analysis: Background[tuple[Picture, float], LiveView] = Background(
            lambda given: look(*given), interval_s=0.1
        )
        self._history, self._overlay = ExpressionHistory(), LiveOverlay()
        self._began = time.monotonic()
        self._image: Picture | None = None
        self._last = LiveView(0.0)
        self._shown: dict[tk.Misc, tk.PhotoImage] = {}
        self._read: dict[Path, Capture] = {}
        self.predicted: list[Predicted] = []
        self._closed = False
        self._build()
        self.show_gallery(gallery.captures())
        self.root.protocol("WM_DELETE_WINDOW", self.close)
        self.root.bind("<KeyPress-q>", lambda _: self.close())
        self.root.bind("<space>", lambda _: self.capture())
        self._timer = self.root.after(_EVERY_MS, self._tick)

    def run(self) -> None:
        """Until somebody closes the window."""
        self.root.mainloop()

    def close(self) -> None:
        """Ends the window and every thread of it."""
        if not self._closed:
            self._closed = True
            self.root.after_cancel(self._timer)
            self._feed.stop()
            self._analysis.stop()
            self._shown.clear()
            self.root.destroy()

    def capture(self) -> Capture | None:
        """Saves the picture that is shown, and its face cut out."""
        if self._image is None:
            self.say("no picture yet")
            return None
        try:
            capture = self._gallery.add(self._image, self._pictures.read(self._image))
        except StoreError as error:
            self.say(str(error))
            return None
        said = f"{capture.expression} {capture.confidence:.0%}" if capture.face else "no face found"
        self.say(f"{capture.picture.name}: {said}")
        self._read[capture.picture] = capture
        self.show_gallery([self._read.get(known.picture, known) for known in self._gallery.captures()])
        return capture

    def predict(self, folder: Path) -> None:
        """Reads every picture of a folder, one at a time between two frames, lists them and leaves `predictions.csv` in
        it."""
        self.rows.delete(*self.rows.get_children())
        self.predicted = []
        self._predict_next(predict_folder(folder, self._pictures), folder)

    def save_timeline(self) -> Path | None:
        """Writes the expressions so far as a figure into the gallery's folder."""
        from medauth.report.timeline import timeline_png

        path = self._gallery.folder / time.strftime("timeline-%Y%m%d-%H%M%S.png")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(timeline_png(self._history.marks(), title="expressions"))
        except OSError as error:
            self.say(f"{path} cannot be written: {error.strerror}")
            return None
        self.say(str(path))
        return path

    def say(self, text: str) -> None:
        """One line below everything."""
        self.status.set(text)

    def show_gallery(self, captures: Sequence[Capture]) -> None:
        """The newest captures as small pictures, faces where there are any."""
        for child in self.thumbs.winfo_children():
            for part in child.winfo_children():
                self._shown.pop(part, None)
            child.destroy()
        for number, capture in enumerate(captures[:_SHOWN]):
            self._add_thumb(number, capture)

    def _build(self) -> None:
        left, right = ttk.Frame(self.root, padding=8), ttk.Frame(self.root, padding=8)
        left.grid(row=0, column=0, sticky="n")
        right.grid(row=0, column=1, sticky="ns")
        self.view, self.strip = ttk.Label(left), ttk.Label(left)
        self.view.grid(row=0, column=0)
        self.strip.grid(row=1, column=0, pady=(6, 0))
        self._put(self.view, np.full((_VIEW[1], _VIEW[0], 3), 40, np.uint8))
        buttons = ttk.Frame(left)
        buttons.grid(row=2, column=0, pady=6, sticky="ew")
        self.buttons = {
            name: ttk.Button(buttons, text=name, command=command)
            for name, command in (
                ("Capture", self.capture),
                ("Predict folder…", self._ask_folder),
                ("Save timeline", self.save_timeline),
                ("Quit", self.close),
            )
        }
        for column, button in enumerate(self.buttons.values()):
            button.grid(row=0, column=column, padx=3)
        self.status = tk.StringVar(value="space captures, q quits")
        ttk.Label(left, textvariable=self.status, wraplength=_VIEW[0]).grid(row=3, column=0, sticky="w")
        ttk.Label(right, text="Gallery").grid(row=0, column=0, sticky="w")
        self.thumbs = ttk.Frame(right)
        self.thumbs.grid(row=1, column=0, sticky="nw")
        ttk.Label(right, text="Folder of pictures").grid(row=2, column=0, sticky="w", pady=(8, 0))
        self.rows = ttk.Treeview(right, columns=("file", "expression", "sure"), show="headings", height=8)
        for name, width in (("file", 170), ("expression", 100), ("sure", 130)):
            self.rows.heading(name, text=name)
            self.rows.column(name, width=width)
        self.rows.grid(row=3, column=0)

    def _predict_next(self, rows: Iterator[Predicted], folder: Path) -> None:
        try:
            row = next(rows, None)
            if row is None:
                (folder / "predictions.csv").write_bytes(table(self.predicted))
        except (MedauthError, OSError) as error:
            self.say(str(error))
            return
        if row is None:
            self.say(f"{len(self.predicted)} pictures: {folder / 'predictions.csv'}")
            return
        self.predicted.append(row)
        said = f"{row.confidence:.0%}" if row.expression else row.trouble
        self.rows.insert("", "end", values=(row.file, row.expression, said))
        self.root.after(1, lambda: self._predict_next(rows, folder))

    def _ask_folder(self) -> None:
        chosen = filedialog.askdirectory(parent=self.root, mustexist=True)
        if chosen:
            self.predict(Path(chosen))

    def _tick(self) -> None:
        image = self._feed.newest()
        if image is not None:
            self._show(image)
        elif self._feed.trouble is not None:
            self.say(str(self._feed.trouble))
        self._timer = self.root.after(_EVERY_MS, self._tick)

    def _show(self, image: Picture) -> None:
        self._image = image
        t_ms = 1000 * (time.monotonic() - self._began)
        self._analysis.offer((image, t_ms))
        view = self._analysis.newest
        if view is not None and view is not self._last:
            self._last = view
            self._history.add(view.t_ms, view.emotions)
            self._put(self.strip, self._history.strip(*_STRIP, _SPAN_MS))
        self._put(self.view, self._overlay.drawn(_fitted(image, _VIEW), self._fitted_view(image), None))

    def _fitted_view(self, image: Picture) -> LiveView:
        """What was found last, in pixels of the smaller picture, which letters are sharper on."""
        scale = min(_VIEW[0] / image.shape[1], _VIEW[1] / image.shape[0])
        return self._last.scaled(scale)

    def _add_thumb(self, number: int, capture: Capture) -> None:
        try:
            image = opened(capture.face or capture.picture)
        except MedauthError:
            return
        cell = ttk.Frame(self.thumbs)
        cell.grid(row=number // 4, column=number % 4, padx=2, pady=2, sticky="n")
        picture = ttk.Label(cell)
        picture.grid(row=0, column=0)
        self._put(picture, thumbnail(image, _THUMB_PX))
        if capture.expression:
            ttk.Label(cell, text=f"{capture.expression} {capture.confidence:.0%}").grid(row=1, column=0)

    def _put(self, label: ttk.Label, picture: Picture) -> None:
        """Shows a picture; Tk keeps no hold of it, so that we must."""
        photo = tk.PhotoImage(master=self.root, data=_ppm(picture), format="PPM")
        label.configure(image=photo)
        self._shown[label] = photo


def _fitted(picture: Picture, size: tuple[int, int]) -> Picture:
    """Within a size (width, height), with its proportions."""
    scale = min(size[0] / picture.shape[1], size[1] / picture.shape[0])
    wanted = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, wanted, interpolation=cv2.INTER_AREA), np.uint8)


def _ppm(picture: Picture) -> bytes:
    """A form that Tk reads without another library."""
    height, width = picture.shape[:2]
    return b"P6 %d %d 255\n" % (width, height) + np.ascontiguousarray(picture[:, :, ::-1]).tobytes()
