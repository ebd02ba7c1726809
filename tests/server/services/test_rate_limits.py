"""The rate limits of a process: what is in force, and labels of metrics."""

from tests.support.servers.in_process_server import InProcessServer

from rustygpt_server.rates import Rate
from rustygpt_server.services.rate_limits import MAX_LABELS


async def test_names_of_profiles_are_a_bounded_number_of_labels(server: InProcessServer) -> None:
    """An administrator who creates and deletes profiles for ever does not fill the metrics."""
    limits = server.components.services.rate_limits
    for number in range(2 * MAX_LABELS):
        state = Rate(f"profile {number}", 1, 1).state(0, accepted=True)
        for _ in range(2):
            limits.count(state)
    report = (await server.components.services.health.report()).decode()
    lines = [line for line in report.splitlines() if line.startswith("http_rate_limit_requests")]
    others = [line for line in lines if 'profile="other"' in line]

    assert len(lines) <= MAX_LABELS + 1
    assert float(others[0].rpartition(" ")[2]) >= 2 * MAX_LABELS


async def test_a_route_without_an_assignment_has_the_default_rate(server: InProcessServer) -> None:
    """Also one whose profile is not known, because it was deleted while profiles were loaded."""
    limits = server.components.services.rate_limits

    assert limits.rate_of("GET", "/api/users") == limits.default_rate
    assert limits.rate_of("POST", "/api/auth/login").profile == "auth.login"
    assert limits.rate_of("GET", "/api/auth/login") == limits.default_rate
