"""The cookies of one account at one server, in memory and in the session file.

Every change a server makes is saved at once, so that the next command goes on from it.
"""

import time
from collections.abc import Iterable

from rustygpt_tui.client import cookies
from rustygpt_tui.client.cookies import Cookie
from rustygpt_tui.client.session_file import SavedSession, SessionFile

SESSION_COOKIE = "SESSION_ID"
CSRF_COOKIE = "CSRF-TOKEN"


class Session:
    """Who the terminal is to the server at `origin`.

    `account` chooses among several; without it the last one signed in is taken. Without a `file`
    the cookies live in memory only. Both raise UsageError when the file cannot be used.
    """

    def __init__(
        self,
        origin: str,
        *,
        file: SessionFile | None = None,
        account: str | None = None,
        csrf_cookie: str = CSRF_COOKIE,
    ) -> None:
        self.origin = cookies.origin_of(origin)
        self.account = account
        self._file = file
        self._csrf_cookie = csrf_cookie
        self._cookies: dict[str, Cookie] = {}
        self.reload()

    def header(self) -> str | None:
        """The `Cookie` header for the next request, or None when nobody is signed in."""
        return cookies.header(self._cookies.values(), self.origin, time.time())

    def csrf(self) -> str | None:
        """The token that requests which change something carry."""
        cookie = self._cookies.get(self._csrf_cookie)
        return cookie.value if cookie else None

    def reload(self) -> bool:
        """Take what another terminal saved meanwhile; tells whether that differs."""
        if self._file is None:
            return False
        before, saved = self.header(), self._file.find(self.origin, self.account)
        self.account = saved.account if saved else self.account
        self._cookies = {cookie.name: cookie for cookie in saved.cookies} if saved else {}
        return self.header() != before

    def detach(self) -> None:
        """Put the cookies aside, in memory only: another account is about to sign in."""
        self.account, self._cookies = None, {}

    def store_cookies(self, set_cookies: Iterable[str]) -> None:
        """Follow the `Set-Cookie` headers of an answer, and save when they changed anything."""
        before, now = dict(self._cookies), time.time()
        for text in set_cookies:
            cookie = cookies.parse(text, now)
            if cookie is None:
                continue
            if cookie.value and cookies.alive(cookie, now):
                self._cookies[cookie.name] = cookie
            else:
                self._cookies.pop(cookie.name, None)
        if _values(before) != _values(self._cookies):
            self._save()

    def save_as_current(self, account: str) -> None:
        """Keep the session that a login has just begun, as the current one of its server."""
        self.account = account
        self._save(current=True)

    def forget(self) -> None:
        """Forget the session."""
        self._cookies = {}
        if self._file and self.account:
            self._file.forget(self.origin, self.account)

    def _save(self, *, current: bool = False) -> None:
        if self._file and self.account and self._cookies:
            saved = SavedSession(self.origin, self.account, list(self._cookies.values()))
            self._file.save(saved, current=current)


def _values(found: dict[str, Cookie]) -> dict[str, str]:
    return {name: cookie.value for name, cookie in found.items()}
