//! Small files, read whole.

use std::io::ErrorKind;
use std::path::Path;

use crate::disk::{Disk, Open};
use crate::error::{Error, Result};

/// The content of a file, `None` when there is none. Corrupt when it is larger than `limit_bytes`:
/// what is read here is small by nature, and memory is not given to a damaged length.
pub fn read_whole(disk: &dyn Disk, path: &Path, limit_bytes: u64) -> Result<Option<Vec<u8>>> {
    let wrong = |e| Error::io(format_args!("read {}", path.display()), e);
    let file = match disk.open(path, Open::Read) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(wrong(e)),
    };
    let len = file.len().map_err(wrong)?;
    if len > limit_bytes {
        return Err(Error::corrupt(format!(
            "{} has {len} bytes, more than the {limit_bytes} that such a file may have",
            path.display()
        )));
    }
    let mut content = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
    let got = file.read_at(&mut content, 0).map_err(wrong)?;
    content.truncate(got);
    Ok(Some(content))
}

/// As [`read_whole`], for a text file.
pub fn read_text(disk: &dyn Disk, path: &Path, limit_bytes: u64) -> Result<Option<String>> {
    let Some(content) = read_whole(disk, path, limit_bytes)? else {
        return Ok(None);
    };
    let text = String::from_utf8(content).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        Error::corrupt(format!(
            "{} is not text: byte {at} is not utf-8",
            path.display()
        ))
    })?;
    Ok(Some(text))
}
