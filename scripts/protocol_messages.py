"""Makes src/protocol/messages from the message definitions in Kafka's `kafka-clients` jar.

    python3 scripts/protocol_messages.py kafka-clients-4.4.0.jar

Only facts are taken: names, types, versions, tags, defaults. What is made is checked in; run this
when Kafka has new versions, look at the difference, and run the tests.
"""

import dataclasses
import json
import pathlib
import re
import sys
import zipfile
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "src" / "protocol" / "messages"
KAFKA = "4.4.0"

API_NAMES = """
    Produce Fetch ListOffsets Metadata OffsetCommit OffsetFetch FindCoordinator JoinGroup Heartbeat
    LeaveGroup SyncGroup DescribeGroups ListGroups ApiVersions CreateTopics DeleteTopics
    DeleteRecords InitProducerId OffsetForLeaderEpoch AddPartitionsToTxn AddOffsetsToTxn EndTxn
    WriteTxnMarkers TxnOffsetCommit DescribeConfigs AlterConfigs AlterReplicaLogDirs DescribeLogDirs
    CreatePartitions DeleteGroups ElectLeaders IncrementalAlterConfigs AlterPartitionReassignments
    ListPartitionReassignments OffsetDelete UpdateFeatures DescribeCluster DescribeProducers
    DescribeTransactions ListTransactions ConsumerGroupHeartbeat ConsumerGroupDescribe
    GetTelemetrySubscriptions PushTelemetry ListConfigResources DescribeTopicPartitions
"""
BLOBS = ["ConsumerProtocolSubscription", "ConsumerProtocolAssignment"]

VERSION_MAX = 32767
PRIMITIVES = {
    "bool": "bool",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint16": "u16",
    "string": "Str<'a>",
    "bytes": "Blob<'a>",
}
KEYWORDS = {"type", "match", "ref", "move", "use", "loop", "in"}


@dataclasses.dataclass(frozen=True)
class Versions:
    """A range; empty when `first` is above `last`."""

    first: int
    last: int

    @staticmethod
    def parse(text: str | None) -> "Versions":
        if text is None or text == "none":
            return Versions(VERSION_MAX, 0)
        first, dash, last = text.partition("-")
        if text.endswith("+"):
            return Versions(int(text[:-1]), VERSION_MAX)
        return Versions(int(first), int(last) if dash else int(first))

    def both(self, other: "Versions") -> "Versions":
        return Versions(max(self.first, other.first), min(self.last, other.last))

    def within(self, outer: "Versions") -> str | None:
        """As a range of Rust; None when it holds all of `outer`."""
        first = "" if self.first <= outer.first else str(self.first)
        last = "" if self.last >= outer.last else f"={self.last}"
        return f"{first}..{last}" if first or last else None


@dataclasses.dataclass
class Struct:
    name: str
    plain: list[str]
    tagged: list[tuple[int, str]]
    borrows: bool = False

    def lines(self, doc: str | None) -> list[str]:
        lines = [f"    /// {doc}"] if doc else []
        life = "<'a>" if self.borrows else ""
        lines.append(f"    pub struct {self.name}{life} {{")
        lines += [f"        {line}" for line in self.plain]
        if self.tagged:
            lines.append("    } tagged {")
            lines += [f"        {line}" for _, line in sorted(self.tagged)]
        return [*lines, "    }"]


def snake(name: str) -> str:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return f"r#{parted}" if parted in KEYWORDS else parted


class Message:
    """One definition, and the structs made of it."""

    def __init__(self, jar: zipfile.ZipFile, name: str) -> None:
        text = jar.read(f"common/message/{name}.json").decode()
        self.json: dict[str, Any] = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.M))
        self.name = name
        self.versions = Versions.parse(self.json["validVersions"])
        self.flexible = Versions.parse(self.json["flexibleVersions"])
        self.fields: dict[str, list[dict[str, Any]]] = {name: self.json["fields"]}
        self.renamed: dict[str, str] = {}
        common = {c["name"]: c["fields"] for c in self.json.get("commonStructs", [])}
        # In which versions each struct can stand at all.
        self.present: dict[str, Versions] = {}
        self._find(name, self.versions, common)

    def _find(self, name: str, present: Versions, common: dict[str, list[dict[str, Any]]]) -> None:
        before = self.present.get(name, present)
        present = Versions(min(before.first, present.first), max(before.last, present.last))
        self.present[name] = present
        for field in self.fields[name]:
            kind = field["type"].removeprefix("[]")
            inner = field.get("fields", common.get(kind))
            if inner is not None:
                assert self.fields.setdefault(kind, inner) is inner, f"{self.name}: two {kind}"
                self._find(kind, present.both(Versions.parse(field["versions"])), common)

    def borrows(self, name: str) -> bool:
        """Whether the struct, or one inside it, has a lifetime."""
        return any(self._type_borrows(field["type"]) for field in self.fields[name])

    def _type_borrows(self, kind: str) -> bool:
        kind = kind.removeprefix("[]")
        if kind in self.fields:
            return self.borrows(kind)
        return kind in ("string", "bytes", "records")

    def structs(self) -> list[Struct]:
        return [self._struct(name) for name in self.fields]

    def _struct(self, name: str) -> Struct:
        made = Struct(self.renamed.get(name, name), [], [], self.borrows(name))
        for field in self.fields[name]:
            outer = self.present[name]
            if Versions.parse(field["versions"]).first > outer.last:
                continue
            if "tag" in field:
                line = self._line(field, outer, tagged=True)
                made.tagged.append((field["tag"], f"{field['tag']}: {line}"))
            else:
                made.plain.append(self._line(field, outer))
        return made

    def _line(self, field: dict[str, Any], outer: Versions, tagged: bool = False) -> str:
        assert "flexibleVersions" not in field, field
        versions = Versions.parse(field["versions"])
        strict = "" if field.get("ignorable", False) else "; strict"
        within = versions.within(outer)
        if tagged:
            assert versions == Versions.parse(field["taggedVersions"]), field
            assert versions.last == VERSION_MAX, field
            within = f"{versions.first}.."
        lead = f"[{within}{strict}] " if within else ""
        nullable = Versions.parse(field.get("nullableVersions"))
        is_nullable = nullable.first <= self.versions.last
        if is_nullable and (nulls := nullable.within(versions.both(outer))):
            lead += f"(null {nulls}) "
        kind = self._type(field["type"], field["name"])
        default = self._default(field, is_nullable)
        if is_nullable:
            kind = f"Option<{kind}>"
        return f"{lead}{snake(field['name'])}: {kind}{default},"

    def _type(self, kind: str, field: str) -> str:
        if kind.startswith("[]"):
            return f"Vec<{self._type(kind[2:], field)}>"
        if kind == "uuid":
            return "TopicId" if "topicid" in field.lower() else "Uuid"
        if kind == "records":
            return "&'a [u8]" if self.name.endswith("Request") else "Records<'a>"
        if kind in PRIMITIVES:
            return PRIMITIVES[kind]
        life = "<'a>" if self.borrows(kind) else ""
        return self.renamed.get(kind, kind) + life

    def _default(self, field: dict[str, Any], is_nullable: bool) -> str:
        default = str(field.get("default", "")).lower()
        if default in ("", "null", "0", "false"):
            assert default != "null" or is_nullable, field
            return ""
        assert not is_nullable, field
        if default == "true":
            return " = true"
        value = int(default, 0)
        ends = {2**31 - 1: "i32::MAX", -(2**31): "i32::MIN", 2**63 - 1: "i64::MAX"}
        return f" = {ends.get(value, value)}"

    def declaration(self, key: str) -> str:
        parts = [f"{key}, {self.versions.first}..={self.versions.last}"]
        if self.json.get("latestVersionUnstable", False):
            parts.append(f"stable {self.versions.last - 1}")
        if self.flexible.first <= self.versions.last:
            parts.append(f"flexible {self.flexible.first}")
        life = "<'a>" if self.borrows(self.name) else ""
        return f"message!({self.name}{life}: {', '.join(parts)});"


def prose(versions: Versions) -> str:
    if versions.first == versions.last:
        return f"version {versions.first}"
    return f"versions {versions.first} to {versions.last}"


def imports(body: str) -> list[str]:
    uses = []
    if "Records<" in body:
        uses.append("use crate::protocol::records::Records;")
    uses.append("use crate::protocol::schema::{field, message, schema, tags};")
    wire = [name for name in ("Blob", "Str", "Uuid") if re.search(rf"\b{name}\b", body)]
    if wire:
        names = wire[0] if len(wire) == 1 else "{" + ", ".join(wire) + "}"
        uses.append(f"use crate::protocol::wire::{names};")
    if "TopicId" in re.sub(r"//.*", "", body):
        uses.append("use crate::types::TopicId;")
    return uses


def source(head: str, keys: list[str], messages: list[Message]) -> str:
    """One file."""
    seen: set[str] = set()
    twice: set[str] = set()
    for message in messages:
        twice |= seen & set(message.fields)
        seen |= set(message.fields)
    blocks = []
    for key, message in zip(keys, messages, strict=True):
        kind = re.search(r"(Request|Response|Subscription|Assignment)$", message.name)
        assert kind
        message.renamed = {name: kind[0] + name for name in twice & set(message.fields)}
        structs = message.structs()
        flexible = "never flexible"
        if message.flexible.first <= message.versions.last:
            flexible = f"flexible from {message.flexible.first}"
        doc = f"{prose(message.versions).capitalize()}, {flexible}."
        lines = [message.declaration(key), "", "schema! {"]
        for at, struct in enumerate(structs):
            lines += ([""] if at else []) + struct.lines(doc if at == 0 else None)
        blocks.append("\n".join([*lines, "}"]))
    body = "\n\n".join(blocks)
    note = f"//! Made by scripts/protocol_messages.py from the definitions of Kafka {KAFKA}."
    parts = ["\n".join([f"//! {head}", "//!", note]), "\n".join(imports(body)), body]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    jar = zipfile.ZipFile(sys.argv[1])
    OUT.mkdir(exist_ok=True)
    modules = []
    for api in API_NAMES.split():
        both = [Message(jar, api + kind) for kind in ("Request", "Response")]
        head = f"{api}, key {both[0].json['apiKey']}: request and response, " + (
            prose(both[0].versions) + "."
        )
        modules.append(snake(api))
        (OUT / f"{snake(api)}.rs").write_text(source(head, [api, api], both))
    blobs = [Message(jar, name) for name in BLOBS]
    head = "What the members of a classic group of consumers tell each other inside JoinGroup and"
    head += "\n//! SyncGroup."
    modules.append("consumer_protocol")
    (OUT / "consumer_protocol.rs").write_text(source(head, ["blob"] * len(blobs), blobs))
    declared = "\n".join(f"pub mod {module};" for module in sorted(modules))
    note = "Every message: one file an API. Made by scripts/protocol_messages.py."
    (OUT / "mod.rs").write_text(f"//! {note}\n\n{declared}\n")


if __name__ == "__main__":
    main()
