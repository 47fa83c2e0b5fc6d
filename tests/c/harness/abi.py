"""What a compiled program relies on, read out of the header: names, types and numbers.

Names of parameters are left out: they may change. So is the number of the version, which must.
"""

import dataclasses
import pathlib
import re
from collections.abc import Iterator

from .tools import run

KINDS = ("macro", "type", "enumerator", "callback", "function")
TOKEN = re.compile(r"[A-Za-z_]\w*|-?\d\w*|\S")
MARKER = re.compile(r'^# \d+ "([^"]*)"')
MACRO = re.compile(r"^#define ([A-Za-z_]\w*) (.+)$")
VERSION_MACROS = ("LEVADA_VERSION_NUMBER",)
BREAKS = (
    "programs that were built before would break: take the change back and add something new beside"
    " it. If it must be, the library needs a new soname, that is a new major version, and"
    " bindings/c/abi.txt begins anew"
)


@dataclasses.dataclass(frozen=True)
class Entry:
    kind: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind} {self.text}"


def preprocessed(header: pathlib.Path) -> tuple[list[Entry], str]:
    """The macros and the code of the header and of its own folder, without what it includes."""
    own, code, macros = True, [], []
    inside = (str(header), str(header.with_suffix("")) + "/")
    for line in run("gcc", "-std=c99", "-E", "-dD", header).splitlines():
        if marker := MARKER.match(line):
            own = marker[1] == inside[0] or marker[1].startswith(inside[1])
        elif own and (macro := MACRO.match(line)):
            if macro[1] not in VERSION_MACROS:
                macros.append(Entry("macro", macro[1], f"{macro[1]} {macro[2]}"))
        elif own and not line.startswith("#"):
            code.append(line)
    return macros, "\n".join(code)


def statements(code: str) -> Iterator[list[str]]:
    """The tokens of each declaration, without its semicolon."""
    tokens: list[str] = []
    depth = 0
    for token in TOKEN.findall(code):
        depth += (token == "{") - (token == "}")
        if token == ";" and depth == 0:
            yield tokens
            tokens = []
        else:
            tokens.append(token)
    assert not tokens, f"a declaration that does not end: {' '.join(tokens)}"


def written(tokens: list[str]) -> str:
    """One way of writing for what is the same to a compiler."""
    kept = [
        "bool" if token == "_Bool" else token
        for token, after in zip(tokens, [*tokens[1:], ""], strict=True)
        # Each of our structs has a type of its name.
        if not (token == "struct" and after.startswith("levada_"))
    ]
    text = " ".join(kept)
    text = re.sub(r" ?([(,);\[\]]) ?", r"\1", text).replace(",", ", ").replace(";", "; ")
    return re.sub(r"\* (?=[\w*])", "*", text).replace("* *", "**").strip()


def parameters(tokens: list[str]) -> str:
    """The types between the parentheses."""
    types: list[str] = []
    start = depth = 0
    for at, token in enumerate([*tokens, ","]):
        depth += (token == "(") - (token == ")")
        if token == "," and depth == 0:
            one = tokens[start:at]
            named = len(one) > 1 and re.match(r"[A-Za-z_]", one[-1]) and one[-2] != "struct"
            types.append(written(one[:-1] if named else one))
            start = at + 1
    return ", ".join(types)


def function(kind: str, tokens: list[str]) -> Entry:
    """`int f ( ... )` or `typedef int ( * f ) ( ... )`."""
    opening = tokens.index("(", tokens.index(")")) if kind == "callback" else tokens.index("(")
    head, inner = tokens[:opening], tokens[opening + 1 : -1]
    assert tokens[-1] == ")", f"no function: {' '.join(tokens)}"
    name = head[-2] if kind == "callback" else head[-1]
    return Entry(kind, name, f"{written(head)}({parameters(inner)})")


def enumerators(tokens: list[str]) -> Iterator[Entry]:
    value = -1
    body = tokens[tokens.index("{") + 1 : tokens.index("}")]
    for one in " ".join(body).split(","):
        if not one.strip():
            continue
        name, _, given = (part.strip() for part in one.partition("="))
        value = int(given, 0) if given else value + 1
        yield Entry("enumerator", name, f"{name} = {value}")


def declared(header: pathlib.Path) -> list[Entry]:
    entries, code = preprocessed(header)
    for tokens in statements(code):
        if tokens[0] == "enum" and "{" in tokens:
            entries += enumerators(tokens)
        elif tokens[0] == "typedef" and "(" in tokens:
            entries.append(function("callback", tokens))
        elif tokens[0] in ("typedef", "struct"):
            name = tokens[-1] if tokens[0] == "typedef" else tokens[1]
            entries.append(Entry("type", name, written(tokens)))
        else:
            entries.append(function("function", tokens))
    return sorted(entries, key=lambda entry: (KINDS.index(entry.kind), entry.name))


def functions(header: pathlib.Path) -> set[str]:
    return {entry.name for entry in declared(header) if entry.kind == "function"}


def since(header: pathlib.Path) -> dict[str, str | None]:
    """What the comment before each function says: `Since 0.1.`"""
    text, said = header.read_text(), {}
    for name in functions(header):
        found = re.search(rf"/\*\*((?:(?!\*/).)*)\*/\s*[^;/]*\b{name}\(", text, re.DOTALL)
        version = re.search(r"Since[\s*]+(\d+\.\d+)\.", found[1]) if found else None
        said[name] = version[1] if version else None
    return said


def differences(listed: dict[str, str], found: list[Entry]) -> tuple[list[str], list[Entry]]:
    """What broke, and what came. `listed` has the version for each text."""
    here = {str(entry) for entry in found}
    names = {(entry.kind, entry.name): str(entry) for entry in found}
    broken = []
    for text in listed:
        if text not in here:
            kind, name = key(text)
            now = names.get((kind, name))
            broken.append(f"changed: {text}\n     is: {now}" if now else f"removed: {text}")
    changed = {key(text) for text in listed}
    new = [e for e in found if str(e) not in listed and (e.kind, e.name) not in changed]
    return broken, new


def key(text: str) -> tuple[str, str]:
    """Kind and name of a line of the list."""
    kind, _, rest = text.partition(" ")
    if kind == "function":
        name = re.findall(r"\w+(?=\()", rest)[0]
    elif kind == "callback":
        name = re.findall(r"\(\*(\w+)\)", rest)[0]
    elif kind == "type":
        name = rest.split()[-1] if rest.startswith("typedef") else rest.split()[1]
        name = name.lstrip("*")
    else:
        name = rest.split()[0]
    return kind, name


def read(path: pathlib.Path) -> dict[str, str]:
    """The list: for each text, the version since which it is there."""
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = [line.split(" ", 1) for line in lines if line and not line.startswith("#")]
    return {text: version for version, text in pairs}


def check(header: pathlib.Path, listing: pathlib.Path, version: str, rewrite: bool) -> None:
    """Holds the header against the list. Rewriting only ever adds."""
    listed, found = read(listing), declared(header)
    broken, new = differences(listed, found)
    assert not broken, "\n".join([*broken, BREAKS])
    if rewrite:
        comments = [line for line in listing.read_text().splitlines() if line.startswith("#")]
        lines = [f"{listed.get(str(entry), version)} {entry}" for entry in found]
        listing.write_text("\n".join([*comments, *lines]) + "\n")
        return
    shown = "\n".join(f"new: {entry}" for entry in new)
    assert not new, f"{shown}\nrun it with LEVADA_REWRITE=1, which adds them to {listing.name}"
