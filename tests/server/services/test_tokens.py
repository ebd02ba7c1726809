"""Personal tokens: which requests need the database, and what ends them."""

from tests.support.servers.in_process_server import InProcessServer, StartServer

from rustygpt_server.clock import TimeLimits


async def test_a_cached_token_needs_no_statement(start_server: StartServer) -> None:
    """Its use is recorded once a minute, which needs one."""
    no_reload = TimeLimits(limits_reload=86_400)  # it would count as well
    async with start_server(limits=no_reload) as server:
        await server.components.background.stop()
        ann = await server.person("ann")
        program = server.token_user(await ann.create_token("read"), ann)
        await program.get("/api/auth/me")
        counts = []
        for seconds in (0.0, 59.0, 1.0):
            server.clock.advance(seconds)
            await server.components.access.poll()
            before = server.statements
            await program.get("/api/auth/me")
            counts.append(server.statements - before)

    assert counts == [0, 0, 1]


async def test_a_revoked_token_is_refused_at_once(server: InProcessServer) -> None:
    """Although it was cached."""
    ann = await server.person("ann")
    program = server.token_user(await ann.create_token("read"), ann)
    await program.get("/api/auth/me")
    [listed] = (await ann.get("/api/auth/tokens"))["tokens"]
    await ann.call("DELETE", f"/api/auth/tokens/{listed['id']}", expect=204)
    refused = await program.call("GET", "/api/auth/me", expect=401)

    assert refused.headers["www-authenticate"].startswith("Bearer ")
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


async def test_a_token_expires(server: InProcessServer) -> None:
    """Although it was cached; its streams end, too."""
    ann = await server.person("ann")
    token = await ann.create_token("read", expires_in_seconds=50)
    program = server.token_user(token, ann)
    async with program.follow_all() as stream:
        await stream.next("stream.open")
        server.clock.advance(49)
        await program.get("/api/auth/me")
        server.clock.advance(1)
        refused = await program.call("GET", "/api/auth/me", expect=401)
        closed = await stream.next("stream.closed")

    assert refused.json()["code"] == "RGP.AUTH.EXPIRED"
    assert closed["payload"]["reason"] == "session_ended"


async def test_a_change_of_the_password_keeps_tokens(server: InProcessServer) -> None:
    """They are revoked one by one; sessions end."""
    ann = await server.person("ann")
    program = server.token_user(await ann.create_token("read"), ann)
    await server.change_password(ann, "another password")

    await program.get("/api/auth/me")


async def test_a_change_of_roles_acts_at_once(server: InProcessServer) -> None:
    """The scope `admin` is of use to administrators only."""
    ann, admin = await server.person("ann"), await server.person("admin")
    program = server.token_user(await ann.create_token("admin"), ann)
    await program.call("GET", "/api/admin/users", expect=403)
    await admin.call("PATCH", f"/api/admin/users/{ann.id}", {"roles": ["admin", "member"]})
    await program.get("/api/admin/users")
    await admin.call("PATCH", f"/api/admin/users/{ann.id}", {"roles": ["member"]})

    await program.call("GET", "/api/admin/users", expect=403)
