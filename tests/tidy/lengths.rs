//! One idea a file, a screen a function.

use super::ratchet::{LONG_FILES, LONG_FUNCTIONS, compare};
use super::source::{Source, closing, rust};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
/// A table of cases is longer than code.
const TEST_FUNCTION_LINES_MAX: usize = 120;

/// Name, lines and position of each function with a body.
fn functions(source: &Source) -> Vec<(String, usize, usize)> {
    let head = regex::Regex::new(r"\bfn (\w+)").expect("a valid pattern");
    let mut functions = Vec::new();
    for found in head.captures_iter(&source.code) {
        let (Some(whole), Some(name)) = (found.get(0), found.get(1)) else {
            continue;
        };
        let at = whole.start();
        let Some(open) = source.code[at..].find(['{', ';']).map(|i| at + i) else {
            continue;
        };
        // An array type `[u8; 4]` in the signature is no end of it.
        let open = match source.code.as_bytes()[open] {
            b'{' => open,
            _ => match body_after_array(&source.code, at) {
                Some(open) => open,
                None => continue,
            },
        };
        let lines = source.line(closing(&source.code, open) - 1) - source.line(at) + 1;
        functions.push((name.as_str().to_owned(), lines, at));
    }
    functions
}

/// The body's brace of a signature with `;` inside brackets; `None` when it has no body.
fn body_after_array(code: &str, at: usize) -> Option<usize> {
    let mut brackets = 0usize;
    for (here, b) in code.bytes().enumerate().skip(at) {
        match b {
            b'[' => brackets += 1,
            b']' => brackets = brackets.saturating_sub(1),
            b';' if brackets == 0 => return None,
            b'{' if brackets == 0 => return Some(here),
            _ => {}
        }
    }
    None
}

#[test]
fn files_hold_one_idea() {
    let long: Vec<_> = rust()
        .into_iter()
        .map(|source| (source.path, source.text.lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .collect();
    let listed: Vec<_> = LONG_FILES
        .iter()
        .map(|(f, n)| ((*f).to_owned(), *n))
        .collect();
    let advice = format!("look for the second noun in a file of over {FILE_LINES_MAX} lines");
    super::report(compare(&long, &listed), &advice);
}

#[test]
fn functions_fit_a_screen() {
    let mut long = Vec::new();
    for source in rust() {
        for (name, lines, at) in functions(&source) {
            let most = match source.is_test(at) {
                true => TEST_FUNCTION_LINES_MAX,
                false => FUNCTION_LINES_MAX,
            };
            if lines > most {
                long.push((format!("{} fn {name}", source.path), lines));
            }
        }
    }
    let listed: Vec<_> = LONG_FUNCTIONS
        .iter()
        .map(|(file, name, lines)| (format!("{file} fn {name}"), *lines))
        .collect();
    let advice = format!("branches in the parent, loops in leaves: {FUNCTION_LINES_MAX} lines");
    super::report(compare(&long, &listed), &advice);
}
