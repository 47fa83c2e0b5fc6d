"""Makes the seed corpora, fuzz/corpus/<target>, from the golden files that other implementations wrote.

    python3 fuzz/seeds.py

The form of an input stands in the header comment of each target.
"""

import pathlib
import struct

ROOT = pathlib.Path(__file__).resolve().parent
GOLDEN = ROOT.parent / "tests" / "golden"


def put(target, name, content):
    folder = ROOT / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"seed-{name}").write_bytes(content)


def part(content):
    """A part of an input of several files, cut to what its length can say."""
    content = content[:0xFFFF]
    return struct.pack(">H", len(content)) + content


def batch():
    for file in GOLDEN.glob("batches/*.bin"):
        for flag in b"\0", b"\1":
            put("batch", f"{file.stem}-{flag[0]}", flag + file.read_bytes())


def index():
    kinds = {".index": 0, ".timeindex": 1, ".txnindex": 2, ".snapshot": 3}
    for file in GOLDEN.glob("log/kafka-*/*"):
        name, content = f"{file.parent.name}-{file.name}", file.read_bytes()
        kind = kinds.get(file.suffix)
        if kind is None:
            continue
        lead = b"\1" if kind == 3 else struct.pack(">qq", int(file.stem), 20)
        put("index", name, bytes([kind]) + lead + content.rstrip(b"\0"))
    texts = {
        "leader-epoch-checkpoint": 4,
        "recovery-point-offset-checkpoint": 5,
        "partition.metadata": 6,
    }
    for name, kind in texts.items():
        for file in GOLDEN.glob(f"log/**/{name}"):
            put("index", f"{file.parent.name}-{name}", bytes([kind]) + file.read_bytes())
    put("index", "epochs", b"\x04" + b"0\n2\n0 0\n3 100\n")


def recovery():
    kinds = (".log", ".index", ".timeindex", ".txnindex", ".snapshot")
    for folder in GOLDEN.glob("log/kafka-*"):
        bases = sorted({f.stem for f in folder.glob("*.log")})
        # How it is opened, the base of the second segment, the recovery point.
        for flags in 0, 1, 2, 3, 4, 7:
            files = b""
            for base in bases:
                for kind in kinds:
                    file = folder / (base + kind)
                    content = file.read_bytes() if file.exists() else b""
                    files += part(content.rstrip(b"\0") if kind != ".log" else content)
            lead = bytes([flags, int(bases[1]), 45])
            put("recovery", f"{folder.name}-{flags}", lead + files)


def request():
    for line in (GOLDEN / "protocol" / "kafka-4.4.0.txt").read_text().splitlines():
        key, kind, first, last, content = line.split(" ")
        if key == "-":
            continue
        for version in {int(first), int(last)}:
            name = f"{key}-{kind}-{version}-{len(content)}"
            lead = struct.pack(">hh", int(key), version)
            content_bytes = bytes.fromhex(content)
            if kind == "response":
                put("request", name, b"\2" + lead + content_bytes)
                continue
            put("request", name, b"\1" + lead + content_bytes)
            # Which of the two heads is right depends on the version: the other is a seed as well.
            for head in struct.pack(">ih", 7, 1) + b"c", struct.pack(">ih", 7, -1) + b"\0":
                put("request", f"{name}-{len(head)}", b"\0" + lead + head + content_bytes)


def broker():
    lines = (GOLDEN / "protocol" / "kafka-4.4.0.txt").read_text().splitlines()
    requests = [line.split(" ") for line in lines if " request " in line]
    requests = [
        (int(key), int(last), bytes.fromhex(body))
        for key, _, _, last, body in requests
        if key != "-"
    ]
    keys = sorted({key for key, _, _ in requests})
    for key, version, body in requests:
        # The target counts versions from the first one that is served.
        for step in range(3):
            lead = bytes([1, keys.index(key), max(version - step, 0), (len(body) + 15) // 16])
            put("broker", f"{key}-{version}-{step}-{len(body)}", lead + body)


def canary():
    put("canary", "plain", b"levada!\2four")


if __name__ == "__main__":
    for make in batch, index, recovery, request, broker, canary:
        make()
