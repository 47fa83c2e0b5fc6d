//! What every store must do; each implementation runs all of it.

use std::sync::Arc;

use super::{BlobStore, LocalStore};
use crate::disk::RealDisk;
use crate::error::Kind;

fn holds_its_promises(store: &dyn BlobStore) {
    assert_eq!(store.open("t/0/a").unwrap_err().kind(), Kind::NotFound);
    assert!(store.list("t/").unwrap().is_empty());
    let mut writer = store.create("t/0/a").unwrap();
    writer.write(b"hello ").unwrap();
    assert!(store.list("t/").unwrap().is_empty(), "no half file is seen");
    writer.write(&vec![7; 3 << 20]).unwrap();
    assert_eq!(writer.finish().unwrap(), 6 + (3 << 20));
    let blob = store.open("t/0/a").unwrap();
    assert_eq!(blob.size_bytes(), 6 + (3 << 20));
    assert_eq!(&blob.read(3, 5).unwrap()[..], b"lo \x07\x07");
    assert_eq!(
        blob.read(blob.size_bytes() - 1, 2).unwrap_err().kind(),
        Kind::Corrupt
    );
    assert_eq!(blob.read(u64::MAX, 2).unwrap_err().kind(), Kind::Corrupt);
    drop(store.create("t/0/b").unwrap());
    store.put("t/1/c", b"one").unwrap();
    store.put("t/1/c", b"two").unwrap();
    assert_eq!(&store.get("t/1/c", 3).unwrap()[..], b"two");
    assert_eq!(store.get("t/1/c", 2).unwrap_err().kind(), Kind::Corrupt);
    let mut names: Vec<_> = store
        .list("t/")
        .unwrap()
        .into_iter()
        .map(|b| b.name)
        .collect();
    names.sort();
    assert_eq!(names, ["t/0/a", "t/1/c"]);
    store.remove("t/0/a").unwrap();
    store.remove("t/0/a").unwrap();
    assert_eq!(
        &blob.read(0, 5).unwrap()[..],
        b"hello",
        "open files stay readable"
    );
    store.remove_all("t/").unwrap();
    store.remove_all("t/").unwrap();
    assert!(store.list("t/").unwrap().is_empty());
    assert_eq!(store.put("../out", b"").unwrap_err().kind(), Kind::Invalid);
    assert_eq!(store.open("/etc/passwd").unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn a_directory_holds_the_promises_of_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::default());
    let store = LocalStore::open(disk, dir.path().join("archive")).unwrap();
    holds_its_promises(&store);
}
