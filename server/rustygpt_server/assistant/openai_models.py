"""Parser of the list of models of OpenAI-compatible servers (`GET /models`)."""

from typing import Any

from rustygpt_server.assistant.provider import ListedModel

_NAME_LIMIT = 200
_CONTEXT_MAX = 1 << 30


def models_in(body: Any) -> list[ListedModel]:
    """Return the models in a decoded response; what is no model is left out."""
    data = body.get("data") if isinstance(body, dict) else None
    models = data if isinstance(data, list) else []
    return [
        ListedModel(model["id"], _context_of(model))
        for model in models
        if isinstance(model, dict) and _is_name(model.get("id"))
    ]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _NAME_LIMIT and value.isprintable()


def _context_of(model: dict[str, Any]) -> int | None:
    """Return the context that llama.cpp, vLLM or LM Studio name; the one in use before the largest.

    OpenAI and Ollama name none.
    """
    meta = model.get("meta")
    fields = meta if isinstance(meta, dict) else {}
    found = (
        fields.get("n_ctx"),
        fields.get("n_ctx_train"),
        model.get("max_model_len"),
        model.get("loaded_context_length"),
        model.get("max_context_length"),
    )
    return next((value for value in found if _is_size(value)), None)


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _CONTEXT_MAX
