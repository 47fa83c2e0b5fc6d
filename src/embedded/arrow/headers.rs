//! The column `headers` of what is sent.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StructArray};
use arrow_schema::DataType;

use super::cells::Cells;
use super::plain::plain;
use crate::error::{Error, Result};

/// A list (or map) of keys and values for each row.
#[derive(Debug)]
pub struct HeaderColumn {
    array: ArrayRef,
    pairs: StructArray,
    keys: Cells,
    values: Cells,
}

impl HeaderColumn {
    pub fn open(column: &ArrayRef) -> Result<HeaderColumn> {
        let wrong = || {
            Error::invalid(format!(
                "column \"headers\" is {}, it must be a list of structs of key and value, or a map",
                column.data_type()
            ))
        };
        let array = plain(column)?;
        let pairs = match array.data_type() {
            DataType::Map(_, _) => array.as_map().entries().clone(),
            DataType::List(_) => {
                let items = array.as_list::<i32>().values();
                items.as_struct_opt().ok_or_else(wrong)?.clone()
            }
            _ => return Err(wrong()),
        };
        // Only a map says which is which by position.
        let by_name = !matches!(array.data_type(), DataType::Map(_, _));
        let (keys, values) = match (pairs.num_columns(), by_name) {
            (2, false) => (pairs.columns().first(), pairs.columns().get(1)),
            (2, true) => (pairs.column_by_name("key"), pairs.column_by_name("value")),
            _ => (None, None),
        };
        let (Some(keys), Some(values)) = (keys, values) else {
            return Err(wrong());
        };
        Ok(HeaderColumn {
            keys: Cells::open(keys)?,
            values: Cells::open(values)?,
            pairs,
            array,
        })
    }

    /// Adds the headers of `row`, which lies in the column.
    pub fn row<'a>(
        &'a self,
        row: usize,
        into: &mut Vec<(&'a [u8], Option<&'a [u8]>)>,
    ) -> Result<()> {
        if self.array.is_null(row) {
            return Ok(());
        }
        let offsets = match self.array.as_map_opt() {
            Some(map) => map.value_offsets(),
            None => self.array.as_list::<i32>().value_offsets(),
        };
        let (Some(&from), Some(&to)) = (offsets.get(row), offsets.get(row + 1)) else {
            return Ok(());
        };
        for at in from as usize..to as usize {
            if self.pairs.is_null(at) {
                return Err(Error::invalid(format!(
                    "row {row}: a header is null: leave it out, or give it a key"
                )));
            }
            let key = self.keys.get(at);
            let key =
                key.ok_or_else(|| Error::invalid(format!("row {row}: a header's key is null")))?;
            into.push((key, self.values.get(at)));
        }
        Ok(())
    }
}
