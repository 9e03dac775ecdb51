"""Sealed blobs made without Turnpike: by PyNaCl (libsodium's own binding) and by pycryptodome (an independent cipher).

    python make_blobs.py            write sealed.tsv
    python make_blobs.py --check    open every blob of sealed.tsv with both libraries

Needs `pip install pynacl pycryptodome`. Sealing is a function of its inputs, so the Swift tests demand the same bytes
for the same nonce: what one side seals, the other opens, both ways.
"""

import hashlib
import pathlib
import random
import struct
import sys

import nacl.bindings
from Crypto.Cipher import ChaCha20_Poly1305

FILE = pathlib.Path(__file__).with_name("sealed.tsv")
COLUMNS = ["key", "nonce", "group", "provider", "credential", "field", "plaintext", "blob"]
VERSION = b"TPK1\x01"


def associated_data(key_id, group, provider, credential, field):
    parts = [b"turnpike/cred", VERSION, key_id, group, provider, credential, field]
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def key_id_of(key):
    return hashlib.blake2b(key).digest()[:16]


def seal(key, nonce, context, plaintext):
    key_id = key_id_of(key)
    associated = associated_data(key_id, *context)
    by_sodium = nacl.bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, associated, nonce, key)
    cipher = ChaCha20_Poly1305.new(key=key, nonce=nonce)
    cipher.update(associated)
    ciphertext, tag = cipher.encrypt_and_digest(plaintext)
    assert by_sodium == ciphertext + tag, "the two libraries disagree"
    return VERSION + key_id + nonce + by_sodium


def open_with_both(key, context, blob):
    key_id = key_id_of(key)
    assert blob[:5] == VERSION and blob[5:21] == key_id
    nonce, sealed = blob[21:45], blob[45:]
    associated = associated_data(key_id, *context)
    by_sodium = nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, associated, nonce, key)
    cipher = ChaCha20_Poly1305.new(key=key, nonce=nonce)
    cipher.update(associated)
    assert by_sodium == cipher.decrypt_and_verify(sealed[:-16], sealed[-16:])
    return by_sodium


def cases(count):
    rng = random.Random(20261121)
    lengths = [0, 1, 15, 16, 17, 31, 32, 63, 64, 65, 127, 128, 255, 256, 1000, 4096]
    texts = ["default", "a", "", "grüppe", "组", "acme-" * 20, "x" * 255, "openai", "openrouter"]
    for index in range(count):
        length = lengths[index] if index < len(lengths) else rng.randrange(0, 200)
        context = [rng.choice(texts).encode() for _ in range(3)] + [b"credentials.enc_key"]
        yield rng.randbytes(32), rng.randbytes(24), context, rng.randbytes(length)


def main():
    if "--check" in sys.argv:
        lines = FILE.read_text().splitlines()[1:]
        for line in lines:
            row = dict(zip(COLUMNS, (bytes.fromhex(cell) for cell in line.split("\t"))))
            context = [row[name] for name in ("group", "provider", "credential", "field")]
            assert open_with_both(row["key"], context, row["blob"]) == row["plaintext"], line
        print(f"{len(lines)} blobs opened with both libraries")
        return
    with FILE.open("w") as out:
        out.write("\t".join(COLUMNS) + "\n")
        for key, nonce, context, plaintext in cases(100):
            row = [key, nonce, *context, plaintext, seal(key, nonce, context, plaintext)]
            out.write("\t".join(cell.hex() for cell in row) + "\n")


if __name__ == "__main__":
    main()
