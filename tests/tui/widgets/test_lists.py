"""The side lists."""

from uuid import UUID

from textual.app import App, ComposeResult

from rustygpt_tui.widgets.list_rows import ListRow
from rustygpt_tui.widgets.lists import SideList


class Demo(App[None]):
    """An app with one list that records its messages."""

    CSS = "SideList { scrollbar-gutter: stable; border: none; padding: 0; }"

    def __init__(self) -> None:
        super().__init__()
        self.selected_ids: list[UUID] = []
        self.near_end_count = 0

    def compose(self) -> ComposeResult:
        yield SideList("Nothing yet", id="side")

    def on_side_list_selected(self, event: SideList.Selected) -> None:
        self.selected_ids.append(event.id)

    def on_side_list_near_end(self) -> None:
        self.near_end_count += 1

    @property
    def side(self) -> SideList:
        return self.query_one(SideList)

    def screen_text(self) -> str:
        strips = self.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)


ROWS = [
    ListRow(UUID(int=1), "First [b]title[/b] \x1b[31m", "a note", 3),
    ListRow(UUID(int=2), "second " * 20),
]


async def test_an_empty_list_says_whether_it_is_loading() -> None:
    """The sentence for no rows can change while there are none."""
    app = Demo()
    async with app.run_test(size=(44, 10)) as pilot:
        app.side.show([], None, empty="Loading …")
        await pilot.pause()
        assert "Loading …" in app.screen_text()
        app.side.show([], None, empty="None")
        await pilot.pause()
        assert "Loading …" not in app.screen_text()
        assert "None" in app.screen_text()


async def test_rows_show_titles_counts_and_the_open_one() -> None:
    """Titles are cut to fit and never read as markup; counts and the open marker are shown."""
    app = Demo()
    async with app.run_test(size=(44, 10)) as pilot:
        assert "Nothing yet" in app.screen_text()
        app.side.show(ROWS, UUID(int=2))
        await pilot.pause()
        lines = [line for line in app.screen_text().splitlines() if line.strip()]
        assert any("First [b]title[/b] [3" in line for line in lines)
        assert any(line.rstrip(" │▎").endswith(" 3") for line in lines)
        assert any("▎ second" in line and "…" in line for line in lines)


async def test_the_highlight_stays_with_its_row() -> None:
    """A row keeps the highlight when another row is added above it."""
    app = Demo()
    async with app.run_test(size=(30, 12)) as pilot:
        app.side.show(ROWS, None)
        app.side.focus()
        await pilot.press("j", "j")
        before = app.side.highlighted_option
        app.side.show([ListRow(UUID(int=3), "newest"), *ROWS], None)
        await pilot.pause()
        after = app.side.highlighted_option
        assert before is not None
        assert after is not None
        assert before.id == after.id


async def test_a_row_is_chosen_by_key() -> None:
    """Enter reports the highlighted row."""
    app = Demo()
    async with app.run_test(size=(30, 10)) as pilot:
        app.side.show(ROWS, None)
        app.side.focus()
        await pilot.press("G", "enter")
        assert app.selected_ids == [UUID(int=2)]


async def test_the_view_stays_when_rows_change() -> None:
    """Changed rows do not scroll the list back to the highlighted row."""
    app = Demo()
    rows = [ListRow(UUID(int=n), f"row {n}") for n in range(1, 60)]
    async with app.run_test(size=(30, 10)) as pilot:
        app.side.show(rows, UUID(int=1))
        await pilot.pause()
        assert app.near_end_count == 0
        app.side.scroll_to(y=40, animate=False)
        await pilot.pause()
        app.side.show([*rows[:3], ListRow(UUID(int=4), "row 4", "news"), *rows[4:]], UUID(int=1))
        app.side.show([rows[5], *rows[:5], *rows[6:]], UUID(int=1))
        await pilot.pause()
        assert app.side.scroll_offset.y == 40
        app.side.scroll_to(y=110, animate=False)
        await pilot.pause()
        assert app.near_end_count > 0
