//! Plain results: a text, names, settings.

use std::ffi::{CString, c_char};

use crate::arg::c_string;
use crate::handle::{Handle, View, kinds};

/// A text that the library made. Free it with levada_text_free().
pub struct levada_text {
    text: CString,
}

/// Names, in order. Free them with levada_names_free().
pub struct levada_names {
    names: Vec<CString>,
}

/// Settings: name, value and where the value comes from. Free them with levada_settings_free().
pub struct levada_settings {
    rows: Vec<(CString, Option<CString>, CString)>,
}

kinds! {
    levada_text "text" 2;
    levada_names "names" 3;
    levada_settings "settings" 4;
}

impl levada_text {
    pub fn new(text: &str) -> levada_text {
        levada_text {
            text: c_string(text),
        }
    }
}

impl<S: AsRef<str>> FromIterator<S> for levada_names {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> levada_names {
        levada_names {
            names: names.into_iter().map(|n| c_string(n.as_ref())).collect(),
        }
    }
}

impl levada_settings {
    pub fn new(
        rows: impl Iterator<Item = (&'static str, Option<String>, &'static str)>,
    ) -> levada_settings {
        let row = |(name, value, source): (&str, Option<String>, &str)| {
            (
                c_string(name),
                value.as_deref().map(c_string),
                c_string(source),
            )
        };
        levada_settings {
            rows: rows.map(row).collect(),
        }
    }
}

fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(std::ptr::null(), |t| t.as_ptr())
}

/// The text, NUL-terminated UTF-8.
///
/// Borrowed: valid until `text` is freed. NULL when `text` is NULL or freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_text_data(text: View<levada_text>) -> *const c_char {
    text.get().map_or(std::ptr::null(), |t| t.text.as_ptr())
}

/// How many bytes the text has, without its NUL.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_text_size(text: View<levada_text>) -> usize {
    text.get().map_or(0, |t| t.text.as_bytes().len())
}

/// Frees a text. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_text_free(text: Handle<levada_text>) {
    drop(text.free());
}

/// How many names there are.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_names_count(names: View<levada_names>) -> usize {
    names.get().map_or(0, |n| n.names.len())
}

/// The name at `index`, from 0 on; NULL beyond the end.
///
/// Borrowed: valid until `names` is freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_names_get(names: View<levada_names>, index: usize) -> *const c_char {
    let found = names.get();
    found.map_or(std::ptr::null(), |n| pointer(n.names.get(index)))
}

/// Frees names. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_names_free(names: Handle<levada_names>) {
    drop(names.free());
}

/// How many settings there are.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_settings_count(settings: View<levada_settings>) -> usize {
    settings.get().map_or(0, |s| s.rows.len())
}

/// The name of the setting at `index`, such as `"retention.ms"`; NULL beyond the end.
///
/// Borrowed: valid until `settings` is freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_settings_name(
    settings: View<levada_settings>,
    index: usize,
) -> *const c_char {
    let found = settings.get();
    found.map_or(std::ptr::null(), |s| {
        pointer(s.rows.get(index).map(|(name, ..)| name))
    })
}

/// The value of the setting at `index`; NULL where it has none, and beyond the end.
///
/// Borrowed: valid until `settings` is freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_settings_value(
    settings: View<levada_settings>,
    index: usize,
) -> *const c_char {
    let found = settings.get();
    found.map_or(std::ptr::null(), |s| {
        pointer(s.rows.get(index).and_then(|(_, value, _)| value.as_ref()))
    })
}

/// Where the value at `index` comes from, as Kafka names it: `"DYNAMIC_TOPIC_CONFIG"`,
/// `"STATIC_BROKER_CONFIG"`, `"DEFAULT_CONFIG"`; NULL beyond the end.
///
/// Borrowed: valid until `settings` is freed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_settings_source(
    settings: View<levada_settings>,
    index: usize,
) -> *const c_char {
    let found = settings.get();
    found.map_or(std::ptr::null(), |s| {
        pointer(s.rows.get(index).map(|(.., source)| source))
    })
}

/// Frees settings. NULL and a second time do nothing.
///
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn levada_settings_free(settings: Handle<levada_settings>) {
    drop(settings.free());
}
