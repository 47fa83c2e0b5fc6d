//! A planted bug: the slice below reaches outside for an input that starts with `levada!` and whose
//! next byte is larger than what follows. A run that does not crash within a minute means that the
//! fuzzing itself is broken (no coverage feedback, no seeds, no sanitizer).

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((length, rest)) = input.strip_prefix(b"levada!").and_then(<[u8]>::split_first) else {
        return;
    };
    // The length is believed. This is the bug.
    let _ = &rest[..usize::from(*length)];
});
