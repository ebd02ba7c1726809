"""Sign-in by other providers (OAuth 2.0 and OpenID Connect).

A provider proves an identity; whose account that is belongs to `services.identities`.
"""
