"""The session of one account at one server: its cookies, in memory and in the session file.

Every change that the server makes is saved at once, so the next command continues with it.
"""

import time
from collections.abc import Iterable

from rustygpt_tui.client import cookies
from rustygpt_tui.client.cookies import Cookie
from rustygpt_tui.client.session_file import SavedSession, SessionFile

SESSION_COOKIE = "SESSION_ID"
CSRF_COOKIE = "CSRF-TOKEN"


class Session:
    """The cookies of an account at the server `origin`.

    `account` selects one of several saved accounts, by default the one that signed in last.
    Without a `file` the cookies are in memory only. Methods raise UsageError when the file cannot
    be used.
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
        """Return the `Cookie` header for the next request, or None when no account is signed in."""
        return cookies.header(self._cookies.values(), self.origin, time.time())

    def csrf(self) -> str | None:
        """Return the CSRF token for requests that change something, or None."""
        cookie = self._cookies.get(self._csrf_cookie)
        return cookie.value if cookie else None

    def reload(self) -> bool:
        """Load the cookies from the file; return True when they differ from those in memory."""
        if self._file is None:
            return False
        before = self.header()
        saved = self._file.find(self.origin, self.account)
        self.account = saved.account if saved else self.account
        self._cookies = {cookie.name: cookie for cookie in saved.cookies} if saved else {}
        return self.header() != before

    def detach(self) -> None:
        """Drop account and cookies in memory, not in the file, before another account signs in."""
        self.account = None
        self._cookies = {}

    def store_cookies(self, set_cookies: Iterable[str]) -> None:
        """Apply the `Set-Cookie` headers of a response, and save the cookies if they changed."""
        before = dict(self._cookies)
        now = time.time()
        for text in set_cookies:
            cookie = cookies.parse(text, now)
            if cookie is None:
                continue
            if cookie.value and cookies.is_alive(cookie, now):
                self._cookies[cookie.name] = cookie
            else:
                self._cookies.pop(cookie.name, None)
        if _values(before) != _values(self._cookies):
            self._save()

    def save_as_current(self, account: str) -> None:
        """Save the session of a new login, and make its account the server's current one."""
        self.account = account
        self._save(current=True)

    def forget(self) -> None:
        """Delete the session, in memory and in the file."""
        self._cookies = {}
        if self._file and self.account:
            self._file.forget(self.origin, self.account)

    def _save(self, *, current: bool = False) -> None:
        if self._file and self.account and self._cookies:
            saved = SavedSession(self.origin, self.account, list(self._cookies.values()))
            self._file.save(saved, current=current)


def _values(by_name: dict[str, Cookie]) -> dict[str, str]:
    return {name: cookie.value for name, cookie in by_name.items()}
