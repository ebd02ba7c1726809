"""The OpenAPI 3.1 document, made from the operations and structs that serve, and its page.

`document` builds it, `responses` and `examples` make its parts, `page` shows it. The routes that
serve it are in `api.documents`.
"""
