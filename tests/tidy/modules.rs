//! A `mod.rs` declares and re-exports, nothing else: the seam of a layer on one screen.

use regex::Regex;

use super::ratchet::BUSY_MODULES;
use super::source::rust;

#[test]
fn mod_files_only_declare_and_re_export() {
    let item = Regex::new(r"(?m)^\s*(pub(\([a-z ]+\))? )?(unsafe |async |const |extern )*(fn|struct|enum|trait|impl|static|const|type|macro_rules!)\b")
        .expect("a valid pattern");
    let mut findings = Vec::new();
    for source in rust() {
        if !source.path.starts_with("src/") || !source.path.ends_with("/mod.rs") {
            continue;
        }
        let listed = BUSY_MODULES.contains(&source.path.as_str());
        let first = item
            .find_iter(&source.code)
            .find(|f| !source.is_test(f.start()));
        match (first, listed) {
            (Some(found), false) => {
                let what = found.as_str().trim();
                findings.push(format!("{} {what}", source.place(found.start())));
            }
            (None, true) => findings.push(format!("{}: take it off the list", source.path)),
            _ => {}
        }
    }
    super::report(findings, "give it a file of its own beside mod.rs");
}
