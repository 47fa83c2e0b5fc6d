//! docs/dependencies.md names every direct dependency, of Rust and of Python.

use super::source::root;

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("read {path}: {e}"))
}

/// The names in the `[…dependencies]` tables of a manifest.
fn crates(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        match (line.starts_with('['), line.split_once('=')) {
            (true, _) => inside = line.ends_with("dependencies]"),
            (false, Some((name, _))) if inside && !line.starts_with('#') => {
                let name = name.trim().trim_end_matches(".workspace");
                names.push(name.to_owned());
            }
            _ => {}
        }
    }
    names
}

#[test]
fn every_dependency_is_documented() {
    let page = read("docs/dependencies.md");
    let mut names = Vec::new();
    for manifest in ["Cargo.toml", "bindings/python/Cargo.toml"] {
        let found = crates(&read(manifest));
        assert!(!found.is_empty(), "no dependencies read from {manifest}");
        names.extend(found);
    }
    for list in ["requirements-dev.txt", "requirements-demo.txt"] {
        let content = read(list);
        let pinned = content.lines().filter(|line| line.contains("=="));
        names.extend(pinned.filter_map(|l| Some(l.split(['=', '[']).next()?.to_owned())));
    }
    let named = |name: &str| {
        let word = |c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c));
        page.split(word).any(|said| said == name)
    };
    let ours = |name: &String| name == "levada";
    let missing = names.into_iter().filter(|n| !ours(n) && !named(n));
    super::report(
        missing.collect(),
        "say in docs/dependencies.md what it is for and why it",
    );
}
