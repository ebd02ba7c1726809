"""HTTP: bytes in, one service call, bytes out. Sanic lives here and in `app` only."""
