//! What the documents say of the code, held against it.
#![allow(clippy::disallowed_methods)] // reads the source tree

use levada::Kind;

#[test]
fn the_table_of_errors_is_the_one_in_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/architecture.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, after) = page.split_once("<!-- errors:").unwrap();
    let rows: Vec<Vec<&str>> = after
        .lines()
        .skip(3)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let expected: Vec<[String; 4]> = Kind::ALL
        .iter()
        .map(|kind| {
            let code = kind.default_code().number().to_string();
            let exit = kind.exit_status().to_string();
            [format!("{kind:?}"), kind.python_name().into(), code, exit]
        })
        .collect();
    let found: Vec<[String; 4]> = rows
        .iter()
        .map(|row| [0, 2, 3, 4].map(|column| row[column].to_owned()))
        .collect();
    assert_eq!(found, expected);
}
