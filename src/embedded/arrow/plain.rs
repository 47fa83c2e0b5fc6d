//! Arrow columns in the few forms that the others read: dictionaries and runs are written out, lists
//! of every kind become lists.

use arrow_array::ArrayRef;
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::DataType;

use crate::error::{Error, Result};

/// The same column without an encoding around its cells.
pub fn plain(column: &ArrayRef) -> Result<ArrayRef> {
    let wanted = match column.data_type() {
        DataType::Dictionary(_, value) => (**value).clone(),
        DataType::RunEndEncoded(_, values) => values.data_type().clone(),
        DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => DataType::List(item.clone()),
        _ => return Ok(column.clone()),
    };
    plain(&convert(column, &wanted)?)
}

/// The column as another type. A cell that does not fit is an error, not a null.
pub fn convert(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(column, wanted, &options).map_err(|e| Error::invalid(e.to_string()))
}
