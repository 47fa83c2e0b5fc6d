//! Messages of the wire protocol: any bytes are refused or read, never worse.
//!
//! Invariants:
//! - never panics, whatever the bytes; memory is bounded by `ARRAY_BYTES_MAX` and the input;
//! - what is read can be written in the same version, and then reads to the end and writes the same;
//! - a head that is read is written as bytes that read as the same.
//!
//! Input: one byte for the kind. 0: a frame without its length, head and body. 1 and 2: the body of a
//! request or a response behind its key and version (i16 each).

#![no_main]

use levada::protocol::{
    ApiKey, MessageWriter, Reader, RequestHeader, rewrite_request, rewrite_response,
};
use libfuzzer_sys::fuzz_target;

type Rewrite = fn(ApiKey, i16, &mut Reader<'_>, &mut MessageWriter) -> levada::Result<()>;

fuzz_target!(|input: &[u8]| {
    let mut input = input;
    let kind = levada_fuzz::byte(&mut input) % 3;
    let mut r = Reader::new(input);
    if kind == 0 {
        frame(&mut r);
        return;
    }
    let (Ok(key), Ok(version)) = (r.i16(), r.i16()) else {
        return;
    };
    let Some(api) = ApiKey::from_number(key) else {
        return;
    };
    match kind {
        1 => settles(rewrite_request, api, version, &mut r),
        _ => settles(rewrite_response, api, version, &mut r),
    }
});

fn frame(r: &mut Reader<'_>) {
    let Ok(header) = RequestHeader::read(r) else {
        return;
    };
    let mut w = MessageWriter::new();
    header.write(&mut w);
    w.check().expect("what was read fits");
    let again = RequestHeader::read(&mut Reader::new(&w.out.bytes));
    assert_eq!(again.unwrap(), header);
    settles(rewrite_request, header.api, header.version, r);
}

fn settles(rewrite: Rewrite, api: ApiKey, version: i16, r: &mut Reader<'_>) {
    let mut first = MessageWriter::new();
    if rewrite(api, version, r, &mut first).is_err() {
        return;
    }
    let first = first.into_chunks().concat();
    let mut second = MessageWriter::new();
    let mut r = Reader::new(&first);
    rewrite(api, version, &mut r, &mut second).expect("our own bytes");
    r.end().expect("our own bytes");
    assert_eq!(second.into_chunks().concat(), first);
}
