//! Rows of an archive file as a scan shows them: no batch is rebuilt, and no column read that nobody
//! asked for.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{
    ArrayRef, BooleanArray, Int32Array, ListArray, RecordBatch, RecordBatchOptions, StructArray,
};
use arrow_schema::DataType;

use super::super::arrow::{
    Binary, Column, Columns, ConvertOptions, Window, as_asked, as_asked_text, header_element,
    internal,
};
use super::super::layout::C;
use super::super::read::{ArchiveFile, Place, RowReader};
use crate::error::{Error, Result};
use crate::types::Offset;

/// Walks one file.
#[derive(Debug)]
pub(super) struct ColdRows {
    reader: RowReader,
    /// What is read, in the layout's order.
    read: Vec<C>,
    window: Window,
    options: ConvertOptions,
    place: String,
}

impl ColdRows {
    pub fn new(
        file: &Arc<ArchiveFile>,
        window: Window,
        options: &ConvertOptions,
    ) -> Result<ColdRows> {
        let mut read = vec![C::Offset];
        let mut want = |wanted: bool, column| {
            if wanted {
                read.push(column);
            }
        };
        let columns = &options.columns;
        let times = window.time_from.is_some() || window.time_until.is_some();
        want(columns.has(Column::Timestamp) || times, C::Timestamp);
        want(columns.has(Column::Key), C::Key);
        want(columns.has(Column::Value), C::Value);
        want(columns.has(Column::Headers), C::Headers);
        want(!options.show_control, C::Control);
        want(!options.show_aborted, C::Aborted);
        let end = Place {
            group: usize::MAX,
            row: 0,
        };
        let mut start = file.first_row(C::Offset, window.from.get())?.unwrap_or(end);
        if let Some(from) = window.time_from.filter(|from| from.get() > 0) {
            // No record before that page is late enough.
            let late = file.page_of_time(from, start.group)?;
            start = start.max(late.unwrap_or(end));
        }
        Ok(ColdRows {
            reader: RowReader::new(file.clone(), start, Some(read.clone())),
            read,
            window,
            options: options.clone(),
            place: file.place.clone(),
        })
    }

    /// The next rows that are shown (perhaps none), and the offset after the last row looked at;
    /// `None` when no row of the file is left inside the window.
    pub fn next(&mut self) -> Result<Option<(RecordBatch, Offset)>> {
        let Some(rows) = self.reader.next()? else {
            return Ok(None);
        };
        let offsets = self
            .column(&rows, C::Offset)?
            .as_primitive_opt::<Int64Type>();
        let offsets = offsets.ok_or_else(|| self.wrong(C::Offset))?.values();
        let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else {
            return Err(self.wrong(C::Offset));
        };
        if *first >= self.window.until.get() {
            return Ok(None);
        }
        let next = Offset(last.saturating_add(1));
        let rows = match self.mask(&rows)? {
            Some(mask) => {
                arrow_select::filter::filter_record_batch(&rows, &mask).map_err(internal)?
            }
            None => rows,
        };
        Ok(Some((self.shown(&rows)?, next)))
    }

    fn wrong(&self, column: C) -> Error {
        Error::corrupt(format!(
            "{}: column {column:?} is not as it should be",
            self.place
        ))
    }

    fn column<'a>(&self, rows: &'a RecordBatch, column: C) -> Result<&'a ArrayRef> {
        let at = self.read.iter().position(|c| *c == column);
        at.and_then(|at| rows.columns().get(at))
            .ok_or_else(|| self.wrong(column))
    }

    /// Which rows stay; `None` when all do.
    fn mask(&self, rows: &RecordBatch) -> Result<Option<BooleanArray>> {
        let mut keep = vec![true; rows.num_rows()];
        let offsets = self
            .column(rows, C::Offset)?
            .as_primitive_opt::<Int64Type>();
        let offsets = offsets.ok_or_else(|| self.wrong(C::Offset))?.values();
        let range = self.window.from.get()..self.window.until.get();
        for (keep, offset) in keep.iter_mut().zip(offsets) {
            *keep = range.contains(offset);
        }
        for flag in [C::Control, C::Aborted] {
            if self.read.contains(&flag) {
                let flags = self.column(rows, flag)?.as_boolean_opt();
                let flags = flags.ok_or_else(|| self.wrong(flag))?.values();
                for (keep, hidden) in keep.iter_mut().zip(flags) {
                    *keep &= !hidden;
                }
            }
        }
        if self.window.time_from.is_some() || self.window.time_until.is_some() {
            let times = self.column(rows, C::Timestamp)?;
            let times = times.as_primitive_opt::<TimestampMicrosecondType>();
            let times = times.ok_or_else(|| self.wrong(C::Timestamp))?;
            let least = self
                .window
                .time_from
                .map_or(i64::MIN, |t| t.get().saturating_mul(1000));
            let end = self
                .window
                .time_until
                .map_or(i64::MAX, |t| t.get().saturating_mul(1000));
            for (keep, time) in keep.iter_mut().zip(times.iter()) {
                // No timestamp is Kafka's -1.
                let time = time.unwrap_or(-1000);
                *keep &= least <= time && (time < end || self.window.time_until.is_none());
            }
        }
        let all = keep.iter().all(|k| *k);
        Ok((!all).then(|| BooleanArray::from(keep)))
    }

    /// The columns that were asked for, in that order and of the types promised.
    fn shown(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let columns: &Columns = &self.options.columns;
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(6);
        for column in columns.iter() {
            arrays.push(match column {
                Column::Partition => Arc::new(Int32Array::from_value(
                    self.options.partition,
                    rows.num_rows(),
                )),
                Column::Offset => self.column(rows, C::Offset)?.clone(),
                Column::Timestamp => self.column(rows, C::Timestamp)?.clone(),
                Column::Key => self.bytes(rows, C::Key)?,
                Column::Value => self.bytes(rows, C::Value)?,
                Column::Headers => self.headers(rows)?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        let schema = columns.schema(self.options.binary);
        RecordBatch::try_new_with_options(schema, arrays, &options).map_err(internal)
    }

    fn bytes(&self, rows: &RecordBatch, column: C) -> Result<ArrayRef> {
        let array = self.column(rows, column)?;
        if self.options.binary == Binary::View {
            return Ok(array.clone());
        }
        let views = array
            .as_binary_view_opt()
            .ok_or_else(|| self.wrong(column))?;
        as_asked(views.clone(), self.options.binary)
    }

    /// The same list as it is wanted, without the file's field ids, which are part of its type.
    fn headers(&self, rows: &RecordBatch) -> Result<ArrayRef> {
        let list = self.column(rows, C::Headers)?.as_list_opt::<i32>();
        let list = list.ok_or_else(|| self.wrong(C::Headers))?;
        let pairs = list
            .values()
            .as_struct_opt()
            .ok_or_else(|| self.wrong(C::Headers))?;
        let [keys, values] = pairs.columns() else {
            return Err(self.wrong(C::Headers));
        };
        let (keys, values) = (keys.as_string_view_opt(), values.as_binary_view_opt());
        let (keys, values) = keys.zip(values).ok_or_else(|| self.wrong(C::Headers))?;
        let binary = self.options.binary;
        let columns = vec![
            as_asked_text(keys.clone(), binary)?,
            as_asked(values.clone(), binary)?,
        ];
        let element = header_element(binary);
        let DataType::Struct(fields) = element.data_type() else {
            return Err(self.wrong(C::Headers));
        };
        let pairs = StructArray::try_new(fields.clone(), columns, None);
        let pairs: ArrayRef = Arc::new(pairs.map_err(internal)?);
        let list = ListArray::try_new(element, list.offsets().clone(), pairs, None);
        Ok(Arc::new(list.map_err(internal)?))
    }
}
