//! What must not stay in: unfinished code, ways to end the process, unsafe code, assertions that
//! assert nothing, traces of one machine.

use regex::Regex;

use super::ratchet::{MAY_PANIC, UNFINISHED, UNSAFE, compare};
use super::source::{Source, rust, texts};

fn find(sources: &[Source], pattern: &str, wanted: impl Fn(&Source, usize) -> bool) -> Vec<String> {
    let pattern = Regex::new(pattern).expect("a valid pattern");
    let mut findings = Vec::new();
    for source in sources {
        for found in pattern.find_iter(&source.code) {
            if wanted(source, found.start()) {
                let what = found.as_str().trim();
                findings.push(format!("{} {what}", source.place(found.start())));
            }
        }
    }
    findings
}

#[test]
fn nothing_is_left_unfinished() {
    let sources = rust();
    let finished = |s: &Source, _| !UNFINISHED.contains(&s.path.as_str());
    let mut findings = find(&sources, r"\b(todo|unimplemented)!\s*\(", finished);
    findings.extend(find(&sources, r"\bdbg!\s*\(", |_, _| true));
    for path in UNFINISHED {
        let there = sources.iter().find(|s| s.path == *path);
        if !there.is_some_and(|s| s.code.contains("todo!(")) {
            findings.push(format!(
                "{path} is finished: take it off the list UNFINISHED"
            ));
        }
    }
    super::report(findings, "finish it, or take it out");
}

#[test]
fn a_note_to_do_says_what_for() {
    // With a colon and a reason, and only in comments.
    let note = Regex::new(r"\b(TODO|FIXME|XXX)\b(: \w+)?").expect("a valid pattern");
    let mut findings = Vec::new();
    for source in rust() {
        if source.path.starts_with("tests/tidy/") {
            continue;
        }
        for found in note.captures_iter(&source.text) {
            if let (Some(whole), None) = (found.get(0), found.get(2)) {
                findings.push(source.place(whole.start()));
            }
        }
    }
    super::report(findings, "do it, or write `TODO: why it is not done`");
}

#[test]
fn outside_tests_nothing_ends_the_process() {
    let sources = rust();
    let pattern =
        r"\.unwrap\(\)|\.expect\(|\b(panic|unreachable)!\s*\(|\.unwrap_err\(\)|\.expect_err\(";
    let shipped = |s: &Source, at| {
        let shipped = s.path.starts_with("src/") || s.path.starts_with("bindings/");
        shipped && !s.is_test(at)
    };
    let mut counts = Vec::new();
    for place in find(&sources, pattern, shipped) {
        let file = place.split(':').next().unwrap_or_default().to_owned();
        match counts.iter_mut().find(|(name, _)| *name == file) {
            Some((_, count)) => *count += 1,
            None => counts.push((file, 1)),
        }
    }
    let listed: Vec<_> = MAY_PANIC
        .iter()
        .map(|(f, n)| ((*f).to_owned(), *n))
        .collect();
    super::report(
        compare(&counts, &listed),
        "return an error; where an invariant excludes the case, say so in a comment and list it",
    );
}

#[test]
fn unsafe_code_stays_where_it_is_argued() {
    let elsewhere =
        |s: &Source, _| !UNSAFE.contains(&s.path.as_str()) && !s.path.starts_with("bindings/c/");
    let findings = find(&rust(), r"\bunsafe\b", elsewhere);
    super::report(findings, "use the mapping of disk/map.rs");
}

#[test]
fn unsafe_code_is_argued() {
    const LINES_ABOVE_MAX: usize = 10;
    let unargued = |s: &Source, at: usize| {
        let above: Vec<_> = s.text[..at].lines().rev().take(LINES_ABOVE_MAX).collect();
        !above.iter().any(|line| line.contains("// SAFETY:"))
    };
    // An attribute argues nothing, and the type of a function says who has to.
    let findings = find(&rust(), r"\bunsafe\s*(\{|impl\b|fn\b)", unargued);
    super::report(
        findings,
        "say above it, after `// SAFETY:`, why it holds here",
    );
}

#[test]
fn assertions_assert() {
    // `matches!(…);` as a statement of its own compares and forgets.
    let findings = find(&rust(), r"(?m)^\s*matches!\(.*\);\s*$", |_, _| true);
    super::report(findings, "write `assert!(matches!(…))`");
}

#[test]
fn nothing_names_one_machine() {
    let pattern = concat!(
        r"(^|[\s\x22'`(=:])/(work|root|home|var/tmp)/\w|",
        r"--(extra-)?index-url|localhost:\d+/(simple|index)"
    );
    let pattern = Regex::new(pattern).expect("a valid pattern");
    let mut findings = Vec::new();
    for (path, text) in texts() {
        if path.starts_with("tests/tidy/") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            if pattern.is_match(line) {
                findings.push(format!("{path}:{} {}", number + 1, line.trim()));
            }
        }
    }
    super::report(
        findings,
        "a path or an index of one machine means nothing on another",
    );
}

#[test]
fn every_dependency_comes_from_the_public_registry() {
    let all = texts();
    let (_, lock) = all
        .iter()
        .find(|(path, _)| path == "Cargo.lock")
        .expect("Cargo.lock");
    let public = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let sources = lock.lines().filter(|line| line.starts_with("source = "));
    let other: Vec<_> = sources
        .filter(|line| *line != public)
        .map(str::to_owned)
        .collect();
    super::report(other, "depend on a published version");
}
