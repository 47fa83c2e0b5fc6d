//! A column whose cells are bytes, whatever its Arrow type.

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, FixedSizeBinaryArray, LargeBinaryArray,
    LargeStringArray, StringArray, StringViewArray,
};
use arrow_schema::DataType;

use super::plain::plain;
use crate::error::{Error, Result};

/// A column whose cells are bytes: binary or text of any width, a view, a dictionary of them.
#[derive(Debug)]
pub enum Cells {
    Binary(BinaryArray),
    LargeBinary(LargeBinaryArray),
    BinaryView(BinaryViewArray),
    Fixed(FixedSizeBinaryArray),
    Utf8(StringArray),
    LargeUtf8(LargeStringArray),
    Utf8View(StringViewArray),
    /// A column of nulls.
    Null(usize),
}

macro_rules! each {
    ($self:expr, $array:ident => $body:expr, $count:ident => $null:expr) => {
        match $self {
            Cells::Binary($array) => $body,
            Cells::LargeBinary($array) => $body,
            Cells::BinaryView($array) => $body,
            Cells::Fixed($array) => $body,
            Cells::Utf8($array) => $body,
            Cells::LargeUtf8($array) => $body,
            Cells::Utf8View($array) => $body,
            Cells::Null($count) => $null,
        }
    };
}

impl Cells {
    /// Errors: Invalid for a column of anything but bytes.
    pub fn open(array: &ArrayRef) -> Result<Cells> {
        let array = &plain(array)?;
        Ok(match array.data_type() {
            DataType::Binary => Cells::Binary(array.as_binary().clone()),
            DataType::LargeBinary => Cells::LargeBinary(array.as_binary().clone()),
            DataType::BinaryView => Cells::BinaryView(array.as_binary_view().clone()),
            DataType::FixedSizeBinary(_) => Cells::Fixed(array.as_fixed_size_binary().clone()),
            DataType::Utf8 => Cells::Utf8(array.as_string().clone()),
            DataType::LargeUtf8 => Cells::LargeUtf8(array.as_string().clone()),
            DataType::Utf8View => Cells::Utf8View(array.as_string_view().clone()),
            DataType::Null => Cells::Null(array.len()),
            other => {
                return Err(Error::invalid(format!(
                    "an Arrow column of {other} holds no bytes: cast it to binary or utf8"
                )));
            }
        })
    }

    pub fn len(&self) -> usize {
        each!(self, array => array.len(), count => *count)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `None` for null, and beyond the end.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        each!(self, array => {
            (row < array.len() && array.is_valid(row)).then(|| AsRef::<[u8]>::as_ref(array.value(row)))
        }, _count => None)
    }
}
