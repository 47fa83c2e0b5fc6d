//! Data directories that cannot be opened, or not by us.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use levada::Kind::{Conflict, Corrupt, Denied, Invalid};
use levada::disk::RealDisk;
use levada::embedded::Database;
use levada::engine::EngineBuilder;
use levada::error::{Code, Result};

use super::disks::ReadOnly;
use super::support::{check, producer, put, read, row, topic};

fn made() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let db = Database::open(dir.path()).unwrap();
    topic(&db, "t", 1, &[]);
    let producer = producer(&db);
    put(&producer, "t", b"kept").unwrap();
    producer.close(super::support::WAIT).unwrap();
    db.close().unwrap();
    dir
}

fn changed(dir: &Path, change: impl FnOnce(String) -> String) -> Result<Database> {
    let path = dir.join("meta.properties");
    let before = fs::read_to_string(&path).unwrap();
    fs::write(&path, change(before.clone())).unwrap();
    let outcome = Database::open(dir);
    fs::write(&path, before).unwrap();
    outcome
}

#[test]
fn a_directory_that_is_not_ours_to_open_is_refused_unchanged() {
    let strange = tempfile::tempdir().unwrap();
    fs::write(strange.path().join("letter.txt"), "x").unwrap();
    let dir = made();
    let path = dir.path();
    let format = "levada.format";
    let newer = changed(path, |text| {
        assert!(text.contains(format), "{text}");
        let line = |l: &str| match l.starts_with(format) {
            true => format!("{format}=99\n"),
            false => format!("{l}\n"),
        };
        text.lines().map(line).collect()
    });
    let kafkas = changed(path, |text| {
        let kept = text.lines().filter(|l| !l.contains("levada"));
        kept.map(|l| format!("{l}\n")).collect()
    });
    let torn = changed(path, |text| text[..text.len() / 2].to_owned());
    let empty = changed(path, |_| String::new());
    let request = Code::InvalidRequest;
    check(vec![
        row(
            "a stranger's",
            Database::open(strange.path()),
            Invalid,
            request,
            "letter.txt",
        ),
        row(
            "a file",
            Database::open(strange.path().join("letter.txt")),
            Invalid,
            request,
            "file",
        ),
        row("newer", newer, Invalid, request, "format 99"),
        row("Kafka's", kafkas, Invalid, request, "Kafka"),
        row(
            "empty",
            empty,
            Corrupt,
            Code::KafkaStorageError,
            "meta.properties",
        ),
        row(
            "torn",
            torn,
            Corrupt,
            Code::KafkaStorageError,
            "meta.properties",
        ),
    ]);
    assert_eq!(fs::read_dir(strange.path()).unwrap().count(), 1);
    let db = Database::open(path).unwrap();
    assert!(
        db.engine().recovery().clean,
        "what was refused was not touched"
    );
    assert_eq!(read(&db, "t").0, [(0, "kept".into())]);
}

#[test]
fn a_directory_that_is_open_names_its_owner() {
    let dir = made();
    let first = Database::open(dir.path()).unwrap();
    let error = Database::open(dir.path()).unwrap_err();
    assert_eq!(error.kind(), Conflict);
    let pid = std::process::id().to_string();
    assert!(error.message().contains(&pid), "{error}");
    first.close().unwrap();
    // `flock` of util-linux takes the same lock.
    let script = "echo $$ > \"$1\"; exec 9<>\"$1\"; flock -n 9 && echo held; read _";
    let mut other = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(dir.path().join(".lock"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = [0; 5];
    std::io::Read::read_exact(other.stdout.as_mut().unwrap(), &mut said).unwrap();
    let error = Database::open(dir.path()).unwrap_err();
    assert_eq!(error.kind(), Conflict);
    assert!(error.message().contains(&other.id().to_string()), "{error}");
    other.kill().unwrap();
    other.wait().unwrap();
    Database::open(dir.path()).unwrap();
}

#[test]
fn a_directory_that_cannot_be_written_is_denied() {
    // Nobody may make a directory there, root neither.
    let made_nowhere = Database::open("/sys/levada");
    let dir = made();
    let open = |disk: ReadOnly| {
        let builder = EngineBuilder::new(dir.path()).disk(Arc::new(disk));
        Database::from_builder(builder, false)
    };
    let read_only = open(ReadOnly::new(Arc::new(RealDisk::default()), true));
    let turned = open(ReadOnly::new(Arc::new(RealDisk::default()), false));
    let code = Code::KafkaStorageError;
    check(vec![
        row("a kernel's", made_nowhere, Denied, code, "/sys/levada"),
        row("read-only", read_only, Denied, code, ".lock"),
        row("turned read-only", turned, Denied, code, "Read-only"),
    ]);
    let db = Database::open(dir.path()).unwrap();
    assert_eq!(read(&db, "t").0, [(0, "kept".into())]);
}
