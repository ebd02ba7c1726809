"""The session of one account at one server: its cookies or its personal token.

They are in memory and in the session file.

Every change that the server makes is saved at once, so the next command continues with it. A file
that cannot be written is reported and no error: what was asked of the server has been done.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from rustygpt_tui.client import cookies
from rustygpt_tui.client.cookies import Cookie
from rustygpt_tui.client.session_file import SavedSession, SessionFile
from rustygpt_tui.errors import UsageError

CSRF_COOKIE = "CSRF-TOKEN"
TOKEN_VARIABLE = "RUSTYGPT_TOKEN"  # noqa: S105 - the name of an environment variable
"""A personal token in this environment variable signs in without a session file."""
_TOKEN = re.compile(r"[\x21-\x7e]{1,256}")
MAX_COOKIES = 20
"""How many cookies of a server are kept; RustyGPT sets two, a proxy may add its own."""


class Session:
    """The cookies of an account at the server `origin`.

    `account` selects one of several saved accounts, by default the one that signed in last.
    Without a `file` the cookies are in memory only. A personal `token` signs in instead of them.
    `on_unsaved` is called with a sentence when the file cannot be written; UsageError is raised
    when it cannot be read.
    """

    def __init__(
        self,
        origin: str,
        *,
        file: SessionFile | None = None,
        account: str | None = None,
        token: str | None = None,
        csrf_cookie: str = CSRF_COOKIE,
        on_unsaved: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.origin = cookies.origin_of(origin)
        self.account = account
        self._file = file
        self._csrf_cookie = csrf_cookie
        self._on_unsaved = on_unsaved
        self._cookies: dict[str, Cookie] = {}
        self.token = token
        """The personal token that requests carry instead of cookies, or None."""
        self.unsaved: str | None = None
        """Why the cookies in memory are not in the file, in one sentence."""
        self.reload()

    def header(self) -> str | None:
        """Return the `Cookie` header for the next request, or None without cookies to send."""
        if self.token:
            return None
        return cookies.header(self._cookies.values(), self.origin, time.time())

    def csrf(self) -> str | None:
        """Return the CSRF token for requests that change something, or None."""
        cookie = self._cookies.get(self._csrf_cookie)
        return cookie.value if cookie else None

    def reload(self) -> bool:
        """Load the cookies from the file; return True when they differ from those in memory."""
        if self._file is None or self.unsaved:
            return False
        before = self.header()
        saved = self._file.find(self.origin, self.account)
        self.account = saved.account if saved else self.account
        self._cookies = {cookie.name: cookie for cookie in saved.cookies} if saved else {}
        self.token = saved.token if saved else None
        return self.header() != before

    def detach(self) -> None:
        """Drop account and cookies in memory, not in the file, before another account signs in."""
        self.account = None
        self._cookies = {}
        self.token = None

    def store_cookies(self, set_cookies: Iterable[str]) -> None:
        """Apply the `Set-Cookie` headers of a response, and save the cookies if they changed."""
        if self.token:
            return
        before = dict(self._cookies)
        now = time.time()
        for text in set_cookies:
            cookie = cookies.parse(text, now)
            if cookie is None:
                continue
            if cookie.value and cookies.is_alive(cookie, now):
                if cookie.name in self._cookies or len(self._cookies) < MAX_COOKIES:
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
        self.token = None
        if self._file and self.account:
            with self._reports_unwritable():
                self._file.forget(self.origin, self.account)

    def _save(self, *, current: bool = False) -> None:
        if self._file and self.account and (self._cookies or self.token):
            saved = SavedSession(
                self.origin, self.account, list(self._cookies.values()), self.token
            )
            with self._reports_unwritable():
                self._file.save(saved, current=current)

    @contextmanager
    def _reports_unwritable(self) -> Iterator[None]:
        """Report that the file cannot be written; the same reason is reported once."""
        before, self.unsaved = self.unsaved, None
        try:
            yield
        except UsageError as error:
            self.unsaved = error.sentence
            if self.unsaved != before:
                self._on_unsaved(self.unsaved)


def open_session(
    origin: str,
    environ: Mapping[str, str],
    *,
    file: SessionFile,
    account: str | None,
    csrf_cookie: str = CSRF_COOKIE,
    on_unsaved: Callable[[str], None],
) -> Session:
    """Return the session of the personal token in the environment, else the saved one.

    Raises UsageError when the token cannot be one, or when an account is chosen as well.
    """
    token = token_in(environ)
    if token is None:
        return Session(
            origin, file=file, account=account, csrf_cookie=csrf_cookie, on_unsaved=on_unsaved
        )
    if account:
        raise UsageError(f"{TOKEN_VARIABLE} is set and signs in; unset it to use --account.")
    return Session(origin, token=checked_token(token))


def token_in(environ: Mapping[str, str]) -> str | None:
    """Return the personal token in the environment, or None without one."""
    return environ.get(TOKEN_VARIABLE, "").strip() or None


def checked_token(token: str) -> str:
    """Return a personal token; raise UsageError for a text that no header can carry."""
    if not _TOKEN.fullmatch(token):
        raise UsageError("This is not a personal token; copy it again, on one line.")
    return token


def _values(by_name: dict[str, Cookie]) -> dict[str, str]:
    return {name: cookie.value for name, cookie in by_name.items()}
