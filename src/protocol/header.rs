//! What stands before each request and response, and the frames around them.

use super::api::ApiKey;
use super::message_writer::MessageWriter;
use super::reader::Reader;
use super::schema::Message;
use crate::error::{Code, Error, Result};

/// The head of a request, versions 1 and 2: the second has tagged fields, none of which is known.
/// (Version 0 belonged to one API of old clusters.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHeader<'a> {
    pub api: ApiKey,
    /// As the client said; it may be one that the API does not have.
    pub version: i16,
    pub correlation_id: i32,
    pub client_id: Option<&'a str>,
}

impl<'a> RequestHeader<'a> {
    /// Reads the head of a frame (without its length). An unknown key is an error
    /// (UnsupportedVersion): what follows cannot be understood. A version is not checked: a client
    /// that asks for a too new ApiVersions gets an answer, see [`ApiKey::serves`].
    pub fn read(r: &mut Reader<'a>) -> Result<Self> {
        let number = r.i16()?;
        let version = r.i16()?;
        let correlation_id = r.i32()?;
        let Some(api) = ApiKey::from_number(number) else {
            let message = format!("no API has the key {number}");
            return Err(Error::coded(Code::UnsupportedVersion, message));
        };
        // Not compact in any version, so that servers can read it in requests newer than they are.
        let client_id = r.nullable_string()?;
        if api.is_flexible(version) {
            r.skip_tagged()?;
        }
        Ok(RequestHeader {
            api,
            version,
            correlation_id,
            client_id,
        })
    }

    pub fn write(&self, w: &mut MessageWriter) {
        w.out.i16(self.api.number());
        w.out.i16(self.version);
        w.out.i32(self.correlation_id);
        w.text(false, self.client_id);
        if self.api.is_flexible(self.version) {
            w.out.no_tagged();
        }
    }
}

/// Reads the head of a response to a request of `api` in `version`: the correlation id.
pub fn read_response_header(r: &mut Reader<'_>, api: ApiKey, version: i16) -> Result<i32> {
    let correlation_id = r.i32()?;
    if api.response_header_is_flexible(version) {
        r.skip_tagged()?;
    }
    Ok(correlation_id)
}

/// Appends a whole response: length, header, body. After an error nothing was appended.
pub fn write_response<'a, M: Message<'a>>(
    w: &mut MessageWriter,
    version: i16,
    correlation_id: i32,
    body: &M,
) -> Result<()> {
    frame(w, |w| {
        w.out.i32(correlation_id);
        if M::KEY.is_some_and(|api| api.response_header_is_flexible(version)) {
            w.out.no_tagged();
        }
        body.encode(w, version)
    })
}

/// Appends a whole request: length, header, body. After an error nothing was appended.
pub fn write_request<'a, M: Message<'a>>(
    w: &mut MessageWriter,
    header: &RequestHeader<'_>,
    body: &M,
) -> Result<()> {
    frame(w, |w| {
        header.write(w);
        body.encode(w, header.version)
    })
}

fn frame(
    w: &mut MessageWriter,
    content: impl FnOnce(&mut MessageWriter) -> Result<()>,
) -> Result<()> {
    let start = w.mark();
    w.out.i32(0);
    let written = content(w).and_then(|()| {
        i32::try_from(w.len_since(start) - 4)
            .map_err(|_| Error::invalid("a message is longer than 2 GiB"))
    });
    match written {
        Ok(length) => {
            w.patch_i32(start, length);
            Ok(())
        }
        Err(e) => {
            w.rewind(start);
            Err(e)
        }
    }
}
