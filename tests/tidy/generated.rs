//! Documents made from the code equal what the code makes. `LEVADA_REWRITE=1` writes them anew.

use super::source::root;

fn same(path: &str, made: &str) {
    let file = root().join(path);
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    if there == made {
        return;
    }
    if std::env::var_os("LEVADA_REWRITE").is_some() {
        std::fs::write(&file, made).unwrap_or_else(|e| panic!("write {path}: {e}"));
        return;
    }
    panic!("{path} is not what the code makes: run `make docs` and commit");
}

#[test]
fn the_settings_reference_is_up_to_date() {
    same("docs/config.md", &levada::config::reference());
}

#[test]
#[cfg(feature = "cli")]
fn the_command_line_reference_is_up_to_date() {
    same("docs/cli.md", &levada::cli::reference());
}

#[test]
#[cfg(feature = "broker")]
fn the_reference_of_apis_is_up_to_date() {
    same("docs/apis.md", &levada::broker::api_reference());
}
