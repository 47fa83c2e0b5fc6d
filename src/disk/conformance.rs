//! What every [`Disk`] must do, run against each of them.

use std::io::{ErrorKind, IoSlice};
use std::path::Path;

use super::{Disk, Faults, FaultyDisk, Open, RealDisk, write_atomically};

/// Runs `test` on each disk, in an empty directory.
fn on_each(test: impl Fn(&dyn Disk, &Path)) {
    let dir = tempfile::tempdir().unwrap();
    test(&RealDisk::new(), dir.path());
    for memory in [
        FaultyDisk::new(),
        FaultyDisk::with_faults(Faults::seeded(1)),
    ] {
        memory.create_dir(Path::new("/data/dir")).unwrap();
        test(&memory, Path::new("/data/dir"));
    }
}

fn put(disk: &dyn Disk, path: &Path, bytes: &[u8]) {
    let file = disk.open(path, Open::Truncate).unwrap();
    file.write_at(&[IoSlice::new(bytes)], 0).unwrap();
}

fn get(disk: &dyn Disk, path: &Path) -> Vec<u8> {
    let file = disk.open(path, Open::Read).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
    bytes
}

fn names(disk: &dyn Disk, dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = disk
        .list(dir)
        .unwrap()
        .into_iter()
        .map(|e| e.name)
        .collect();
    names.sort();
    names
}

#[test]
fn open_modes_do_what_they_say() {
    on_each(|disk, dir| {
        let path = dir.join("a");
        let kind = |how| disk.open(&path, how).map(|_| ()).map_err(|e| e.kind());
        assert_eq!(kind(Open::Read), Err(ErrorKind::NotFound));
        assert_eq!(kind(Open::Write), Err(ErrorKind::NotFound));
        assert_eq!(kind(Open::CreateNew), Ok(()));
        assert_eq!(kind(Open::CreateNew), Err(ErrorKind::AlreadyExists));
        put(disk, &path, b"abc");
        disk.open(&path, Open::Write).unwrap();
        assert_eq!(get(disk, &path), b"abc");
        disk.open(&path, Open::Truncate).unwrap();
        assert_eq!(get(disk, &path), b"");
        let lost = dir.join("none/b");
        let error = disk.open(&lost, Open::Truncate).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        for how in [Open::Read, Open::Write, Open::Truncate] {
            let error = disk.open(dir, how).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::IsADirectory, "{how:?}");
        }
    });
}

#[test]
fn a_file_opened_for_reading_is_not_written() {
    on_each(|disk, dir| {
        let path = dir.join("a");
        put(disk, &path, b"abc");
        let file = disk.open(&path, Open::Read).unwrap();
        assert!(file.write_at(&[IoSlice::new(b"x")], 0).is_err());
        assert!(file.set_len(0).is_err());
        assert_eq!(get(disk, &path), b"abc");
    });
}

#[test]
fn parts_are_written_one_after_the_other_from_the_position() {
    on_each(|disk, dir| {
        let file = disk.open(&dir.join("a"), Open::CreateNew).unwrap();
        file.write_at(&[], 5).unwrap();
        file.write_at(&[IoSlice::new(b"")], 5).unwrap();
        assert_eq!(file.len().unwrap(), 0);
        let parts: Vec<Vec<u8>> = (0..3000u32)
            .map(|n| vec![n as u8; n as usize % 7])
            .collect();
        let slices: Vec<_> = parts.iter().map(|p| IoSlice::new(p)).collect();
        file.write_at(&slices, 10).unwrap();
        let mut expected = vec![0; 10];
        expected.extend(parts.concat());
        assert_eq!(get(disk, &dir.join("a")), expected);
        file.write_at(&[IoSlice::new(b"XY"), IoSlice::new(b"Z")], 11)
            .unwrap();
        expected[11..14].copy_from_slice(b"XYZ");
        assert_eq!(get(disk, &dir.join("a")), expected);
    });
}

#[test]
fn a_read_is_short_only_at_the_end() {
    on_each(|disk, dir| {
        put(disk, &dir.join("a"), b"0123456789");
        let file = disk.open(&dir.join("a"), Open::Read).unwrap();
        let mut into = [0; 6];
        assert_eq!(file.read_at(&mut into, 2).unwrap(), 6);
        assert_eq!(&into, b"234567");
        assert_eq!(file.read_at(&mut into, 8).unwrap(), 2);
        assert_eq!(&into[..2], b"89");
        assert_eq!(file.read_at(&mut into, 10).unwrap(), 0);
        assert_eq!(file.read_at(&mut into, 1 << 40).unwrap(), 0);
        assert_eq!(file.read_at(&mut [], 0).unwrap(), 0);
    });
}

#[test]
fn set_len_cuts_and_extends_with_zeros() {
    on_each(|disk, dir| {
        let file = disk.open(&dir.join("a"), Open::CreateNew).unwrap();
        file.write_at(&[IoSlice::new(b"abcdef")], 0).unwrap();
        file.set_len(3).unwrap();
        file.set_len(5).unwrap();
        assert_eq!(get(disk, &dir.join("a")), b"abc\0\0");
        file.write_at(&[IoSlice::new(b"x")], 7).unwrap();
        file.sync().unwrap();
        assert_eq!(get(disk, &dir.join("a")), b"abc\0\0\0\0x");
    });
}

#[test]
fn a_mapping_outlives_the_name_of_its_file() {
    on_each(|disk, dir| {
        let path = dir.join("a");
        put(disk, &path, b"abc");
        let bytes = disk.map(&path).unwrap();
        let again = disk.map(&path).unwrap();
        put(disk, &dir.join("b"), b"new");
        disk.rename(&dir.join("b"), &path).unwrap();
        assert_eq!(disk.map(&path).unwrap(), &b"new"[..]);
        disk.remove_file(&path).unwrap();
        assert_eq!(bytes, &b"abc"[..]);
        assert_eq!(again, bytes);
        assert_eq!(disk.map(&path).unwrap_err().kind(), ErrorKind::NotFound);
        put(disk, &path, b"");
        assert!(disk.map(&path).unwrap().is_empty());
    });
}

#[test]
fn a_removed_file_stays_readable_through_its_handle() {
    on_each(|disk, dir| {
        let path = dir.join("a");
        put(disk, &path, b"abc");
        let file = disk.open(&path, Open::Write).unwrap();
        disk.remove_file(&path).unwrap();
        assert!(!disk.exists(&path));
        file.write_at(&[IoSlice::new(b"X")], 1).unwrap();
        let mut into = [0; 3];
        assert_eq!(file.read_at(&mut into, 0).unwrap(), 3);
        assert_eq!(&into, b"aXc");
        assert_eq!(
            disk.remove_file(&path).unwrap_err().kind(),
            ErrorKind::NotFound
        );
    });
}

#[test]
fn directories_are_made_listed_and_removed_with_all_they_hold() {
    on_each(|disk, dir| {
        let deep = dir.join("x/y/z");
        disk.create_dir(&deep).unwrap();
        disk.create_dir(&deep).unwrap();
        put(disk, &deep.join("f"), b"12345");
        put(disk, &dir.join("x/g"), b"");
        assert_eq!(names(disk, &dir.join("x")), ["g", "y"]);
        let entry = disk.list(&deep).unwrap().remove(0);
        assert!(entry.name == "f" && !entry.is_dir && entry.size_bytes == 5);
        let entry = disk.list(dir).unwrap().remove(0);
        assert!(entry.name == "x" && entry.is_dir && entry.size_bytes == 0);
        assert!(disk.remove_file(&deep).is_err());
        assert!(disk.create_dir(&dir.join("x/g")).is_err());
        disk.sync_dir(&deep).unwrap();
        disk.remove_dir(&dir.join("x")).unwrap();
        assert!(!disk.exists(&deep) && names(disk, dir).is_empty());
        for error in [
            disk.list(&deep).map(|_| ()).unwrap_err(),
            disk.remove_dir(&deep).unwrap_err(),
            disk.sync_dir(&deep).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::NotFound);
        }
    });
}

#[test]
fn rename_replaces_files_and_moves_directories() {
    on_each(|disk, dir| {
        put(disk, &dir.join("a"), b"a");
        put(disk, &dir.join("b"), b"b");
        disk.rename(&dir.join("a"), &dir.join("b")).unwrap();
        assert_eq!(names(disk, dir), ["b"]);
        assert_eq!(get(disk, &dir.join("b")), b"a");
        disk.rename(&dir.join("b"), &dir.join("b")).unwrap();
        disk.create_dir(&dir.join("d/e")).unwrap();
        disk.rename(&dir.join("b"), &dir.join("d/e/b")).unwrap();
        disk.rename(&dir.join("d"), &dir.join("moved")).unwrap();
        assert_eq!(names(disk, dir), ["moved"]);
        assert_eq!(get(disk, &dir.join("moved/e/b")), b"a");
        let kind = |from: &str, to: &str| {
            disk.rename(&dir.join(from), &dir.join(to))
                .unwrap_err()
                .kind()
        };
        assert_eq!(kind("none", "x"), ErrorKind::NotFound);
        assert_eq!(kind("moved", "none/x"), ErrorKind::NotFound);
        assert_eq!(kind("moved", "moved/e/x"), ErrorKind::InvalidInput);
        disk.create_dir(&dir.join("other")).unwrap();
        assert_eq!(kind("moved/e/b", "other"), ErrorKind::IsADirectory);
        assert_eq!(kind("other", "moved/e"), ErrorKind::DirectoryNotEmpty);
        assert_eq!(kind("other", "moved/e/b"), ErrorKind::NotADirectory);
    });
}

#[test]
fn atomic_write_replaces_and_leaves_nothing_behind() {
    on_each(|disk, dir| {
        let path = dir.join("checkpoint");
        write_atomically(disk, &path, b"one").unwrap();
        write_atomically(disk, &path, b"two").unwrap();
        assert_eq!(get(disk, &path), b"two");
        assert_eq!(names(disk, dir), ["checkpoint"]);
    });
}

#[test]
fn a_directory_can_be_locked_and_locked_again_after() {
    on_each(|disk, dir| {
        for _ in 0..2 {
            let lock = disk.lock(dir).unwrap();
            assert_eq!(lock.path(), dir.join(".lock"));
        }
    });
}
