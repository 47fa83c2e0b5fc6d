//! What C hands in besides handles, and where it wants answers written.
//!
//! Each type here stands for a plain C pointer and has no way to be made in Rust: only C makes one, and by
//! the header's rules it is NULL or points to what its name says, for as long as the call lasts. This is
//! why the reads and writes below hold.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use std::slice;
use std::time::Duration;

use levada::config::Overrides;
use levada::{Error, Result};

/// No list of settings or names is longer: one without its closing NULL ends here, or at the first
/// unreadable page.
const LIST_MAX: usize = 1 << 16;

/// Kafka's sizes have 32 bits: a larger one is a mistake, and what it stands for is not looked at.
const BYTES_MAX: usize = i32::MAX as usize;

/// A NUL-terminated text in UTF-8.
#[repr(transparent)]
pub struct Text(*const c_char);

/// A NULL-terminated array of texts.
#[repr(transparent)]
pub struct Texts(*const *const c_char);

/// The first of some bytes; how many stands in the argument after it.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Data(*const c_void);

/// The first of an array; how many stands in another argument.
#[repr(transparent)]
pub struct Array<T>(*const T);

/// Where an answer is written.
#[repr(transparent)]
pub struct Out<T>(*mut T);

/// Where a new handle is written.
#[repr(transparent)]
pub struct Made<T>(*mut *mut T);

/// A place that was found good: written once.
pub struct Place<'a, T>(&'a mut T);

fn is_null(name: &str) -> Error {
    Error::invalid(format!("{name} is NULL"))
}

fn text<'a>(pointer: *const c_char, name: &str) -> Result<&'a str> {
    if pointer.is_null() {
        return Err(is_null(name));
    }
    // SAFETY: see the head of this file; the text ends with a NUL and outlives the call.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map_err(|e| {
        let at = e.valid_up_to();
        Error::invalid(format!("{name} is not UTF-8 from its byte {at} on"))
    })
}

impl Text {
    pub fn get(&self, name: &str) -> Result<&str> {
        text(self.0, name)
    }

    /// `None` for NULL.
    pub fn get_optional(&self, name: &str) -> Result<Option<&str>> {
        match self.0.is_null() {
            true => Ok(None),
            false => text(self.0, name).map(Some),
        }
    }

    /// A path is any bytes, but not none.
    pub fn path(&self, name: &str) -> Result<&Path> {
        use std::os::unix::ffi::OsStrExt;
        if self.0.is_null() {
            return Err(is_null(name));
        }
        // SAFETY: as for `text`.
        let text = unsafe { CStr::from_ptr(self.0) };
        if text.is_empty() {
            return Err(Error::invalid(format!("{name} is empty: name a place")));
        }
        Ok(Path::new(std::ffi::OsStr::from_bytes(text.to_bytes())))
    }
}

impl Texts {
    /// The texts; none for NULL.
    pub fn list(&self, name: &str) -> Result<Vec<&str>> {
        let mut list = Vec::new();
        if self.0.is_null() {
            return Ok(list);
        }
        for at in 0..LIST_MAX {
            // SAFETY: see the head of this file; the array goes on until its first NULL, which was not met.
            let one = unsafe { *self.0.add(at) };
            if one.is_null() {
                return Ok(list);
            }
            list.push(text(one, name)?);
        }
        let message =
            format!("{name} has no closing NULL within {LIST_MAX} entries: end it with one");
        Err(Error::invalid(message))
    }

    /// The list as keys and values in turns.
    pub fn pairs(&self, name: &str) -> Result<Vec<(String, String)>> {
        let list = self.list(name)?;
        if let ([.., last], true) = (list.as_slice(), list.len() % 2 == 1) {
            let message = format!(
                "{name}: {last:?} has no value: give a key and a value in turns, then NULL"
            );
            return Err(Error::invalid(message));
        }
        let mut pairs = Vec::with_capacity(list.len() / 2);
        for pair in list.chunks_exact(2) {
            if let [key, value] = pair {
                pairs.push(((*key).to_owned(), (*value).to_owned()));
            }
        }
        Ok(pairs)
    }

    /// The same as settings; a key that comes twice is refused.
    pub fn settings(&self, name: &str) -> Result<Overrides> {
        let mut settings = Overrides::new();
        for (key, value) in self.pairs(name)? {
            if settings.contains_key(&key) {
                return Err(Error::invalid(format!(
                    "{name}: {key} comes twice: give it once"
                )));
            }
            settings.insert(key, value);
        }
        Ok(settings)
    }
}

impl Data {
    pub fn is_null(&self) -> bool {
        self.0.is_null()
    }

    /// `size` bytes; `None` for NULL, which is Kafka's null.
    #[inline]
    pub fn get(&self, size: usize, name: &str) -> Result<Option<&[u8]>> {
        if self.0.is_null() {
            return match size {
                0 => Ok(None),
                _ => Err(null_with_size(name, size)),
            };
        }
        if size > BYTES_MAX {
            return Err(too_large(name, size));
        }
        // SAFETY: see the head of this file; there are `size` bytes, which nobody changes during the call.
        Ok(Some(unsafe { slice::from_raw_parts(self.0.cast(), size) }))
    }
}

#[cold]
fn too_large(name: &str, size: usize) -> Error {
    Error::invalid(format!("{name} of {size} bytes is larger than any record"))
}

#[cold]
fn null_with_size(name: &str, size: usize) -> Error {
    Error::invalid(format!(
        "{name} is NULL, its size is {size}: null has size 0"
    ))
}

impl<T> Array<T> {
    pub fn get(&self, count: usize, name: &str) -> Result<&[T]> {
        if count == 0 {
            return Ok(&[]);
        }
        if self.0.is_null() {
            return Err(is_null(name));
        }
        if !self.0.is_aligned() || count > isize::MAX as usize / size_of::<T>().max(1) {
            return Err(Error::invalid(format!(
                "{name} is no array of {count} entries"
            )));
        }
        // SAFETY: see the head of this file; there are `count` entries, which nobody changes during the call.
        Ok(unsafe { slice::from_raw_parts(self.0, count) })
    }

    /// `None` for NULL.
    pub fn get_optional(&self, count: usize, name: &str) -> Result<Option<&[T]>> {
        match self.0.is_null() {
            true => Ok(None),
            false => self.get(count, name).map(Some),
        }
    }
}

impl<T> Out<T> {
    pub fn get(&self, name: &str) -> Result<Place<'_, T>> {
        if self.0.is_null() {
            return Err(is_null(name));
        }
        if !self.0.is_aligned() {
            return Err(Error::invalid(format!("{name} is not aligned")));
        }
        // SAFETY: see the head of this file; the place is the caller's, and nobody else looks meanwhile.
        Ok(Place(unsafe { &mut *self.0 }))
    }

    /// `None` for NULL: the answer is not wanted.
    #[inline]
    pub fn get_optional(&self) -> Option<Place<'_, T>> {
        match self.0.is_null() || !self.0.is_aligned() {
            true => None,
            // SAFETY: as for `get`.
            false => Some(Place(unsafe { &mut *self.0 })),
        }
    }
}

impl<T> Made<T> {
    pub fn get(&self, name: &str) -> Result<Place<'_, *mut T>> {
        if self.0.is_null() {
            return Err(is_null(name));
        }
        if !self.0.is_aligned() {
            return Err(Error::invalid(format!("{name} is not aligned")));
        }
        // SAFETY: as for `Out::get`.
        Ok(Place(unsafe { &mut *self.0 }))
    }

    /// `None` for NULL: the handle is not wanted.
    pub fn get_optional(&self) -> Option<Place<'_, *mut T>> {
        self.get("").ok()
    }
}

impl<T> Place<'_, T> {
    #[inline]
    pub fn set(self, value: T) {
        *self.0 = value;
    }
}

/// Milliseconds as C gives them: negative is for ever.
pub fn timeout(ms: i64) -> Duration {
    u64::try_from(ms).map_or(Duration::MAX, Duration::from_millis)
}

/// A text for C. One with a NUL inside ends there.
pub fn c_string(text: &str) -> CString {
    let until = text.split('\0').next().unwrap_or_default();
    CString::new(until).unwrap_or_default()
}
