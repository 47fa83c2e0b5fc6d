//! Imports point down. A module may use those of a lower rank; two of one rank do not know each
//! other.

use super::source::{Source, rust};

const RANKS: &[&[&str]] = &[
    &["error", "sync"],
    &["types"],
    &["clock", "metrics", "thread"],
    &["codec", "disk"],
    &["config"],
    &["record"],
    &["log", "protocol"],
    &["archive"],
    &["engine"],
    &["embedded", "client", "cluster"],
    &["broker", "connect"],
    &["cli"],
];

/// Re-exported by `lib.rs` from `error`.
const FROM_ERROR: &[&str] = &["Error", "Kind", "Result"];

fn rank(module: &str) -> Option<usize> {
    let module = match FROM_ERROR.contains(&module) {
        true => "error",
        false => module,
    };
    RANKS.iter().position(|same| same.contains(&module))
}

/// The top modules that `source` names through `crate::` or by climbing up to the root.
fn used(source: &Source) -> Vec<(usize, String)> {
    let code = &source.code;
    let mut used = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with('$') {
            continue; // a macro's own path
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => used.extend(heads(group).map(|name| (at, name))),
            None => used.push((at, word(rest))),
        }
    }
    let depth = source.path.trim_end_matches("/mod.rs").matches('/').count();
    let up = "super::".repeat(depth);
    for (at, _) in code.match_indices(&up) {
        let name = word(code[at + up.len()..].trim_start_matches("super::"));
        if rank(&name).is_some() && !code[..at].ends_with("::") {
            used.push((at, name));
        }
    }
    used
}

fn word(text: &str) -> String {
    let letters = text
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_');
    letters.collect()
}

/// The first word of each item of a `{…}` group.
fn heads(group: &str) -> impl Iterator<Item = String> {
    let mut depth = 1;
    let mut items = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => items.push(String::new()),
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if let (Some(item), true) = (items.last_mut(), c != ',') {
            item.push(c);
        }
    }
    let trimmed = items.into_iter().map(|item| word(item.trim()));
    trimmed.filter(|name| !name.is_empty())
}

fn upward(source: &Source) -> Vec<String> {
    let inside = source.path.trim_start_matches("src/");
    let own = inside.split(['/', '.']).next().unwrap_or_default();
    if matches!(own, "lib" | "main") {
        return Vec::new();
    }
    let Some(own_rank) = rank(own) else {
        return vec![format!(
            "{}: give `{own}` a rank in tests/tidy/layers.rs",
            source.path
        )];
    };
    let mut findings = Vec::new();
    for (at, name) in used(source) {
        let down = rank(&name).is_some_and(|r| r < own_rank);
        // Test code may reach sideways (a log over the disk in memory), never upwards.
        let beside = rank(&name) == Some(own_rank) && source.is_test(at);
        if name != own && !down && !beside {
            findings.push(format!("{} `{own}` uses `{name}`", source.place(at)));
        }
    }
    findings
}

#[test]
fn imports_point_down() {
    let sources = rust();
    let core = sources.iter().filter(|s| s.path.starts_with("src/"));
    let findings = core.flat_map(upward).collect();
    super::report(
        findings,
        "move what is shared to a lower layer, or pass it in",
    );
}

#[test]
fn bindings_use_the_public_faces_only() {
    const FACES: &[&str] = &[
        "embedded", "broker", "archive", "cli", "config", "error", "sync", "types", "Error",
        "Kind", "Result",
    ];
    let mut findings = Vec::new();
    for source in rust().iter().filter(|s| s.path.starts_with("bindings/")) {
        for (at, _) in source.code.match_indices("levada::") {
            let rest = &source.code[at + "levada::".len()..];
            let names: Vec<String> = match rest.strip_prefix('{') {
                Some(group) => heads(group).collect(),
                None => vec![word(rest)],
            };
            let other = names.into_iter().filter(|n| !FACES.contains(&n.as_str()));
            findings.extend(other.map(|n| format!("{} uses `levada::{n}`", source.place(at))));
        }
    }
    super::report(findings, "let `embedded` offer what the binding needs");
}

#[test]
fn groups_of_imports_are_read() {
    let names: Vec<_> = heads("a::{x, y}, b, c::d as e};").collect();
    assert_eq!(names, ["a", "b", "c"]);
}
