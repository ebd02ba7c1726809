"""Reading files with conversations: our own format, ChatGPT's, Open WebUI's.

A file is a hostile text of any size. A child process reads it as it arrives (`worker`), so that
neither its size nor its form delays anybody. What becomes of the batches belongs to
`services.imports`.
"""
