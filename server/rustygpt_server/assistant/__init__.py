"""The assistant: model servers, prompts, and answers in progress.

Who may ask and where an answer stands is decided by the database and the services.
"""
