//! Record headers as a list of key and value.

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, FieldRef};

use super::columns::{as_asked, as_asked_text};
use super::schema::Binary;
use super::views::{Source, Views, internal};
use crate::error::{Error, Result};
use crate::record::Headers;

/// Builds the `headers` column. A key that is not UTF-8 is shown with replacement characters;
/// [`HeaderRows::push`] says so.
#[derive(Debug)]
pub(crate) struct HeaderRows {
    ends: Vec<i32>,
    keys: Views,
    values: Views,
    count: usize,
}

impl HeaderRows {
    pub fn with_capacity(rows: usize) -> HeaderRows {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        HeaderRows {
            ends,
            keys: Views::with_capacity(0),
            values: Views::with_capacity(0),
            count: 0,
        }
    }

    /// Adds the headers of one record; gives whether the column says all of them exactly.
    pub fn push(&mut self, source: &Source, headers: &Headers<'_>) -> Result<bool> {
        let mut exact = true;
        if !headers.is_empty() {
            for header in headers.iter() {
                match std::str::from_utf8(header.key) {
                    Ok(_) => self.keys.push(source, header.key)?,
                    Err(_) => {
                        exact = false;
                        let shown = String::from_utf8_lossy(header.key);
                        self.keys.push_copy(shown.as_bytes())?;
                    }
                }
                self.values.push_option(source, header.value)?;
                self.count += 1;
            }
        }
        let end = i32::try_from(self.count)
            .map_err(|_| Error::internal("more than 2^31 headers in one array"))?;
        self.ends.push(end);
        Ok(exact)
    }

    /// The column; `element` is its list's element, of the types of `binary`, with the metadata that its
    /// place wants.
    pub fn finish(&mut self, element: FieldRef, binary: Binary) -> Result<ArrayRef> {
        let ends = std::mem::replace(&mut self.ends, vec![0]);
        self.count = 0;
        let keys = as_asked_text(self.keys.finish_string()?, binary)?;
        let values = as_asked(self.values.finish_binary()?, binary)?;
        let DataType::Struct(fields) = element.data_type() else {
            return Err(Error::internal("headers are not a list of pairs"));
        };
        let pairs = StructArray::try_new(fields.clone(), vec![keys, values], None);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
        let pairs: ArrayRef = Arc::new(pairs.map_err(internal)?);
        let list = ListArray::try_new(element, offsets, pairs, None);
        Ok(Arc::new(list.map_err(internal)?))
    }
}
