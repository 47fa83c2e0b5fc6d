//! The library itself: version, features.

use std::ffi::{CString, c_char};
use std::sync::LazyLock;

use crate::arg::{Text, c_string};
use crate::enter::look;
use crate::handle;

static VERSION: LazyLock<CString> = LazyLock::new(|| c_string(env!("CARGO_PKG_VERSION")));

/// The version of the library that runs, such as `"0.1.0"`. It may be newer than the header that the
/// program was compiled with: functions are added, never changed or removed while the soname is the same.
///
/// Lives for ever. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_version() -> *const c_char {
    VERSION.as_ptr()
}

/// The same as a number: major * 65536 + minor * 256 + patch. Compare it with LEVADA_VERSION_NUMBER of the
/// header.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_version_number() -> u32 {
    const fn number(text: &str) -> u32 {
        let bytes = text.as_bytes();
        let (mut value, mut at) = (0, 0);
        while at < bytes.len() {
            value = value * 10 + (bytes[at] - b'0') as u32;
            at += 1;
        }
        value
    }
    const NUMBER: u32 = (number(env!("CARGO_PKG_VERSION_MAJOR")) << 16)
        | (number(env!("CARGO_PKG_VERSION_MINOR")) << 8)
        | number(env!("CARGO_PKG_VERSION_PATCH"));
    NUMBER
}

/// Whether this build of the library has a part that can be left out: `"archive"` (archive files, scans,
/// Arrow) or `"broker"`. The functions of a part that was left out are there and give LEVADA_INVALID.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_has_feature(name: Text) -> bool {
    look(false, || {
        let parts = [
            ("archive", cfg!(feature = "archive")),
            ("broker", cfg!(feature = "broker")),
        ];
        Ok(parts.contains(&(name.get("name")?, true)))
    })
}

/// How many handles of this process are not freed yet: 0 at the end of a tidy program.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_handle_count() -> usize {
    look(0, || Ok(handle::count()))
}

/// The error of a call for a part that was left out of this build.
#[allow(dead_code)] // the default build has all
pub fn left_out(part: &str) -> levada::Error {
    levada::Error::invalid(format!(
        "this build of liblevada has no {part}: build it with the feature {part:?}"
    ))
}
