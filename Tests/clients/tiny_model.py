"""Writes a model file that any server of GGUF models can load: a llama of two layers whose weights were drawn by lot.

It says nonsense, but it says it as every model does: token by token, with a vocabulary, a context and a template for
conversations. Half a megabyte, and nothing is downloaded. `python tiny_model.py FILE`
"""

import sys

import gguf
import numpy

CONTEXT = 512
WIDTH = 64
FEED_FORWARD = 128
LAYERS = 2
HEADS = 4
SEED = 7

TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}assistant:"


def vocabulary() -> tuple[list[bytes], list[float], list[gguf.TokenType]]:
    """Three tokens with a meaning, one for each byte, and one for each printable character, which is preferred."""
    control, byte, normal = gguf.TokenType.CONTROL, gguf.TokenType.BYTE, gguf.TokenType.NORMAL
    rows = [(b"<unk>", 0.0, gguf.TokenType.UNKNOWN), (b"<s>", 0.0, control), (b"</s>", 0.0, control)]
    rows += [(f"<0x{value:02X}>".encode(), -1000.0, byte) for value in range(256)]
    for place, code in enumerate(range(0x20, 0x7F)):
        # A space is written as this sign in vocabularies of this kind.
        text = "\u2581" if code == 0x20 else chr(code)
        rows.append((text.encode(), -float(place), normal))
    texts, scores, types = zip(*rows)
    return list(texts), list(scores), list(types)


def write(path: str):
    chance = numpy.random.default_rng(SEED)
    writer = gguf.GGUFWriter(path, "llama")
    texts, scores, types = vocabulary()

    writer.add_name("tiny-random")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(texts))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(texts)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template(TEMPLATE)

    def ones(name: str):
        writer.add_tensor(name, numpy.ones(WIDTH, numpy.float32))

    def drawn(name: str, *shape: int):
        writer.add_tensor(name, (chance.standard_normal(shape) * 0.05).astype(numpy.float32))

    drawn("token_embd.weight", len(texts), WIDTH)
    drawn("output.weight", len(texts), WIDTH)
    ones("output_norm.weight")
    for layer in range(LAYERS):
        place = f"blk.{layer}"
        ones(f"{place}.attn_norm.weight")
        ones(f"{place}.ffn_norm.weight")
        for part in ("q", "k", "v", "output"):
            drawn(f"{place}.attn_{part}.weight", WIDTH, WIDTH)
        drawn(f"{place}.ffn_gate.weight", FEED_FORWARD, WIDTH)
        drawn(f"{place}.ffn_up.weight", FEED_FORWARD, WIDTH)
        drawn(f"{place}.ffn_down.weight", WIDTH, FEED_FORWARD)

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    write(sys.argv[1])
