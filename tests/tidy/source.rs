//! The source files, and a view of each in which comments and literals are blank, so that a search
//! finds code only.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One file.
pub struct Source {
    /// From the root of the checkout, with `/`.
    pub path: String,
    pub text: String,
    /// `text` with comments and literals blanked, byte for byte as long.
    pub code: String,
    /// Byte ranges of in-file test modules and functions; the whole of a file that is only tests.
    tests: Vec<Range<usize>>,
}

impl Source {
    pub fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
    }

    pub fn is_test(&self, at: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&at))
    }

    /// `path:line`.
    pub fn place(&self, at: usize) -> String {
        format!("{}:{}", self.path, self.line(at))
    }

    fn new(path: String, text: String) -> Source {
        let code = blank(&text);
        let is_test = path.starts_with("benches/") || format!("/{path}").contains("/tests/");
        let tests = match is_test {
            true => std::iter::once(0..text.len() + 1).collect(),
            false => test_ranges(&code),
        };
        Source {
            path,
            text,
            code,
            tests,
        }
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of the project.
pub fn rust() -> Vec<Source> {
    let mut sources: Vec<Source> = files(&["src", "bindings", "tests", "benches", "examples"])
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .map(|path| Source::new(relative(&path), read(&path)))
        .collect();
    let only_tests = files_of_test_modules(&sources);
    for source in &mut sources {
        if only_tests.iter().any(|path| source.path.starts_with(path)) {
            source.tests = std::iter::once(0..source.text.len() + 1).collect();
        }
    }
    sources
}

/// Every text file of the project, of whatever kind: path from the root, and content.
pub fn texts() -> Vec<(String, String)> {
    const DIRS: &[&str] = &[
        ".", ".ci", "src", "bindings", "python", "include", "tests", "benches", "examples", "docs",
        "scripts", "fuzz",
    ];
    let all = files(DIRS).into_iter();
    all.filter_map(|path| Some((relative(&path), std::fs::read_to_string(&path).ok()?)))
        .collect()
}

pub fn relative(path: &Path) -> String {
    let inside = path.strip_prefix(root()).unwrap_or(path);
    inside.to_string_lossy().replace('\\', "/")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("read {}: {e}", path.display()))
}

/// All files below `dirs`; of the root (`.`) only those that lie in it directly.
fn files(dirs: &[&str]) -> BTreeSet<PathBuf> {
    const BUILT: &[&str] = &[
        "target",
        "__pycache__",
        "node_modules",
        "corpus",
        "artifacts",
    ];
    let mut found = BTreeSet::new();
    let mut waiting: Vec<PathBuf> = dirs.iter().map(|dir| root().join(dir)).collect();
    while let Some(dir) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else {
            continue;
        };
        for entry in entries.flatten() {
            let (name, path) = (entry.file_name(), entry.path());
            let built = BUILT.iter().any(|skip| name.to_str() == Some(skip));
            let at_root = dir == root().join(".");
            match path.is_dir() {
                true if built || at_root => {}
                true => waiting.push(path),
                // A worktree's `.git` is a file.
                false if name == ".git" => {}
                false => drop(found.insert(root().join(relative(&path).trim_start_matches("./")))),
            }
        }
    }
    found
}

/// `#[cfg(test)] mod name;` makes `name.rs` and `name/` test code.
fn files_of_test_modules(sources: &[Source]) -> Vec<String> {
    let declared =
        regex::Regex::new(r"#\[cfg\((?:all\()?test[^\]]*\]\s*(?:pub(?:\([a-z]+\))? )?mod (\w+);")
            .expect("a valid pattern");
    let mut paths = Vec::new();
    for source in sources {
        let whole = Path::new(&source.path);
        let beside = match whole.file_name().and_then(|n| n.to_str()) {
            Some("mod.rs" | "lib.rs" | "main.rs") => whole.parent().map(Path::to_path_buf),
            _ => Some(whole.with_extension("")),
        };
        let dir = beside.unwrap_or_default();
        for found in declared.captures_iter(&source.code) {
            let module = relative(&dir.join(&found[1]));
            paths.push(format!("{module}.rs"));
            paths.push(format!("{module}/"));
        }
    }
    paths
}

/// In-file `#[cfg(test)] mod … { … }` and `#[test] fn … { … }`.
fn test_ranges(code: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for mark in ["#[cfg(test)]", "#[cfg(all(test", "#[test]"] {
        for (at, _) in code.match_indices(mark) {
            let Some(open) = code[at..].find(['{', ';']).map(|i| at + i) else {
                continue;
            };
            if code.as_bytes()[open] == b'{' {
                ranges.push(at..closing(code, open));
            }
        }
    }
    ranges
}

/// The position after the brace that closes the one at `open`.
pub fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0usize;
    for (at, b) in code.bytes().enumerate().skip(open) {
        match b {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at + 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    code.len()
}

/// Blanks comments, strings and character literals; line ends stay.
pub fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(bytes, at);
        if end == at {
            at += 1;
            continue;
        }
        for b in &mut code[at..end] {
            if *b != b'\n' {
                *b = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(code).expect("only whole literals were blanked")
}

/// Where the comment or literal that starts at `at` ends; `at` itself when none starts there.
fn literal_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let word_before = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest {
        [b'/', b'/', ..] => at + find(rest, b"\n").unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment_end(bytes, at),
        [b'r', b'"' | b'#', ..] if !word_before => raw_end(bytes, at, at + 1),
        [b'b', b'r', b'"' | b'#', ..] if !word_before => raw_end(bytes, at, at + 2),
        [b'"', ..] => quoted_end(bytes, at + 1, b'"'),
        // A lifetime has no closing quote right after its first letter.
        [b'\'', b'\\', ..] => quoted_end(bytes, at + 1, b'\''),
        [b'\'', first, ..] => {
            let width = match first {
                0..0x80 => 1,
                0x80..0xe0 => 2,
                0xe0..0xf0 => 3,
                _ => 4,
            };
            match rest.get(1 + width) {
                Some(b'\'') => at + 2 + width,
                _ => at,
            }
        }
        _ => at,
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

fn block_comment_end(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0;
    let mut here = at;
    while here < bytes.len() {
        match &bytes[here..] {
            [b'/', b'*', ..] => (depth, here) = (depth + 1, here + 2),
            [b'*', b'/', ..] if depth == 1 => return here + 2,
            [b'*', b'/', ..] => (depth, here) = (depth - 1, here + 2),
            _ => here += 1,
        }
    }
    bytes.len()
}

fn raw_end(bytes: &[u8], at: usize, hashes_at: usize) -> usize {
    let hashes = bytes[hashes_at..]
        .iter()
        .take_while(|b| **b == b'#')
        .count();
    if bytes.get(hashes_at + hashes) != Some(&b'"') {
        return at; // a raw identifier
    }
    let body = hashes_at + hashes + 1;
    let mut close = vec![b'"'];
    close.resize(1 + hashes, b'#');
    find(&bytes[body..], &close).map_or(bytes.len(), |i| body + i + close.len())
}

fn quoted_end(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while let Some(b) = bytes.get(at) {
        match b {
            b'\\' => at += 2,
            b if *b == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[test]
fn blanking_leaves_code_and_nothing_else() {
    let cases = [
        ("a // x\nb", "a     \nb"),
        ("a /* /* */ */ b", "a             b"),
        (r#"f("x\"y", 'c', '\'')"#, "f(      ,    ,     )"),
        ("r#\"a\"b\"# c", "         c"),
        ("&'a str", "&'a str"),
        ("'ä' x", "     x"),
        ("r#type", "r#type"),
    ];
    for (text, code) in cases {
        assert_eq!(blank(text), code, "{text}");
    }
}
