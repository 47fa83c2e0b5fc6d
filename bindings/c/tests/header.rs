//! `include/levada.h` is what cbindgen makes of the functions here. `LEVADA_REWRITE=1` writes it anew.

// Tests look at files past the seams of the engine.
#![allow(clippy::disallowed_methods)]

use std::path::{Path, PathBuf};

use cbindgen::{Builder, Config, DocumentationStyle, Language, Style};

/// What stands before the declarations.
const HEAD: &str = include_str!("../head.h");

/// Types that stand for plain C pointers: their names are for Rust alone.
const POINTERS: [&str; 9] = [
    "Stream", "Text", "Texts", "Data", "Array_", "Out_", "Made_", "Handle_", "View_",
];

fn config() -> Config {
    let mut config = Config {
        language: Language::C,
        cpp_compat: true,
        usize_is_size_t: true,
        style: Style::Both,
        documentation_style: DocumentationStyle::Doxy,
        include_guard: Some("LEVADA_H".into()),
        no_includes: true,
        sys_includes: ["stdbool.h", "stddef.h", "stdint.h"].map(Into::into).into(),
        after_includes: Some(HEAD.to_owned()),
        autogen_warning: Some(
            "/* Made by cbindgen from bindings/c/src: change the functions there, not this file. */".into(),
        ),
        ..Config::default()
    };
    config.export.exclude = ["ArrowArrayStream", "Callback"].map(Into::into).into();
    // Named by numbers alone: what a program hands in may be any number.
    config.export.include = ["levada_layout"].map(Into::into).into();
    let stream = ("ArrowArrayStream".into(), "struct ArrowArrayStream".into());
    config.export.rename.extend([stream]);
    config
}

/// The typedefs of `POINTERS`: name and type.
fn typedefs(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in header.lines() {
        let Some(body) = line
            .strip_prefix("typedef ")
            .and_then(|l| l.strip_suffix(';'))
        else {
            continue;
        };
        let Some(at) = body.rfind(|c: char| !(c.is_alphanumeric() || c == '_')) else {
            continue;
        };
        let (kind, name) = body.split_at(at + 1);
        let is_pointer = |pointer: &&str| match pointer.ends_with('_') {
            true => name.starts_with(*pointer),
            false => name == *pointer,
        };
        if POINTERS.iter().any(is_pointer) {
            found.push((name.to_owned(), kind.to_owned()));
        }
    }
    found
}

/// The header with plain types in the place of `POINTERS`, and without their typedefs and comments.
fn plain(header: &str) -> String {
    let typedefs = typedefs(header);
    let mut text = String::new();
    let mut comment = String::new();
    for line in header.lines() {
        let is_comment = line.starts_with("/**") || line.starts_with(" *");
        if is_comment {
            comment.push_str(line);
            comment.push('\n');
            continue;
        }
        let is_gone = typedefs
            .iter()
            .any(|(name, kind)| line == format!("typedef {kind}{name};"));
        match is_gone {
            true => comment.clear(),
            false => {
                text.push_str(&std::mem::take(&mut comment));
                text.push_str(&spelled_out(line, &typedefs));
                text.push('\n');
            }
        }
    }
    squeeze(&text)
}

/// A line of code with plain types: whole words alone, which may be part of other names.
fn spelled_out(line: &str, typedefs: &[(String, String)]) -> String {
    // An array of `Data` first: its type names the other.
    let mut line = line.replace("Array_Data ", "const void *const *");
    for (name, kind) in typedefs {
        let word = format!("{name} ");
        let mut rest = std::mem::take(&mut line);
        while let Some(at) = rest.find(&word) {
            let (before, found) = rest.split_at(at);
            line.push_str(before);
            let is_part = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
            line.push_str(if is_part { &word } else { kind });
            rest = found[word.len()..].to_owned();
        }
        line.push_str(&rest);
    }
    line
}

/// One empty line at most.
fn squeeze(text: &str) -> String {
    let mut squeezed = text.to_owned();
    while squeezed.contains("\n\n\n") {
        squeezed = squeezed.replace("\n\n\n", "\n\n");
    }
    squeezed
}

fn made() -> String {
    let mut raw = Vec::new();
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut builder = Builder::new().with_config(config());
    for file in sources(&crate_dir.join("src")) {
        builder = builder.with_src(file);
    }
    builder
        .generate()
        .expect("cbindgen reads the sources")
        .write(&mut raw);
    plain(&String::from_utf8(raw).expect("a header is UTF-8"))
}

/// In an order of their own, so that the header reads from the general to the particular.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let order = [
        "library",
        "status",
        "error",
        "log",
        "text",
        "positions",
        "database",
        "topic",
        "archive",
        "arrow",
        "headers",
        "producer",
        "writer",
        "delivery",
        "reports",
        "transaction",
        "consumer",
        "position",
        "commit",
        "rebalance",
        "batch",
        "scan",
        "server",
        "group",
    ];
    let inner = ["arg", "handle"];
    let named = inner
        .iter()
        .chain(&order)
        .map(|name| dir.join(format!("{name}.rs")));
    named.collect()
}

#[test]
fn the_header_is_what_cbindgen_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../include/levada.h");
    let made = made();
    if std::env::var_os("LEVADA_REWRITE").is_some() {
        std::fs::create_dir_all(path.parent().expect("it lies in a directory")).expect("made");
        std::fs::write(&path, made).expect("written");
        return;
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "include/levada.h is not what the functions of bindings/c make: run the test with LEVADA_REWRITE=1"
    );
}

#[test]
fn every_module_with_functions_is_in_the_header() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let known = sources(&dir);
    for entry in std::fs::read_dir(&dir).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("read");
        let has_functions = text.contains("#[unsafe(no_mangle)]");
        assert!(
            !has_functions || known.contains(&path),
            "{} is missing above",
            path.display()
        );
    }
}
