"""Finding words within one thread: its matches in the order of the thread, and steps among them."""

from uuid import UUID

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.client.http import Client

MAX_PAGES = 5
_PAGE_SIZE = 100


class ThreadSearch:
    """What was searched last in a thread, and what was found."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.text = ""
        self.root: UUID | None = None
        self.is_complete = True
        """False when there are more matches than were fetched; the latest ones were."""
        self._matches: list[tuple[str, UUID]] = []

    def __len__(self) -> int:
        """Return how many messages were found."""
        return len(self._matches)

    async def find(self, root: UUID, text: str) -> None:
        """Search a thread; raises ClientError."""
        messages: list[MessageView] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await self._client.search_messages(
                text, root_id=root, cursor=cursor, limit=_PAGE_SIZE
            )
            messages += [hit.message for hit in page.hits]
            cursor = page.next_cursor
            if cursor is None:
                break
        self.root, self.text = root, text
        self.is_complete = cursor is None
        self._matches = sorted((message.path, message.id) for message in messages)

    def step(self, path: str, step: int) -> tuple[int, UUID]:
        """Return number and id of a match: after a path (1), before it (-1), or from it on (0).

        The first match follows the last one. There has to be one.
        """
        matches = self._matches
        if step < 0:
            index = max((i for i, match in enumerate(matches) if match[0] < path), default=-1)
        else:
            later = (
                i
                for i, match in enumerate(matches)
                if match[0] > path or (step == 0 and match[0] == path)
            )
            index = next(later, 0)
        index %= len(matches)
        return index + 1, matches[index][1]
