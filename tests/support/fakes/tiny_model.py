"""A model file of 470 kB with random weights: two layers, a token for each byte."""

from pathlib import Path
from typing import Any

import pytest

WIDTH, LAYERS, HEADS, INNER = 64, 2, 4, 128
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}{% endfor %}"
    "<|assistant|>"
)
CONTROL = ["<|user|>", "<|assistant|>", "<|system|>"]
"""Tokens that only a template may use."""
WHY_SKIPPED = "needs llama-cpp-python and gguf: pip install 'rustygpt[llama]' gguf"


def write_tiny_model(path: Path, template: str | None = TEMPLATE, context: int = 256) -> Path:
    """Write a model file; skip the test where the packages for it are not installed."""
    pytest.importorskip("llama_cpp", reason=WHY_SKIPPED)
    gguf = pytest.importorskip("gguf", reason=WHY_SKIPPED)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    size = _add_vocabulary(writer, gguf.TokenType)
    if template is not None:
        writer.add_chat_template(template)
    _add_tensors(writer, size)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_vocabulary(writer: Any, kinds: Any) -> int:
    control = [b"<s>", b"</s>", *(text.encode() for text in CONTROL)]
    tokens = [b"<unk>", *control, *(f"<0x{n:02X}>".encode() for n in range(256)), "▁".encode()]
    types = [kinds.UNKNOWN, *[kinds.CONTROL] * len(control), *[kinds.BYTE] * 256, kinds.NORMAL]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    return len(tokens)


def _add_tensors(writer: Any, vocabulary: int) -> None:
    numpy = pytest.importorskip("numpy", reason=WHY_SKIPPED)
    random = numpy.random.default_rng(1)

    def add(name: str, rows: int, columns: int) -> None:
        weights = random.standard_normal((rows, columns)).astype(numpy.float32)
        writer.add_tensor(f"{name}.weight", weights * 0.1)

    def add_norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", numpy.ones(WIDTH, numpy.float32))

    add("token_embd", vocabulary, WIDTH)
    add("output", vocabulary, WIDTH)
    add_norm("output_norm")
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        add_norm(f"{block}attn_norm")
        add_norm(f"{block}ffn_norm")
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(block + name, WIDTH, WIDTH)
        add(f"{block}ffn_gate", INNER, WIDTH)
        add(f"{block}ffn_up", INNER, WIDTH)
        add(f"{block}ffn_down", WIDTH, INNER)
