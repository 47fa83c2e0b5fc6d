//! One archive file, opened: its description in memory, its pages where they are.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use super::super::catalog::ArchivedFile;
use super::super::layout::{BLOCK_BYTES, C, FORMAT, keys, schema};
use super::super::store::BlobStore;
use super::blocks::{Blocks, Tail, ours};
use super::guard::guard;
use super::rows::RowReader;
use super::thrift;
use crate::codec::crc32c::crc32c;
use crate::error::{Code, Error, Result};
use crate::log::Aborted;
use crate::record::{BatchHeader, HEADER_BYTES};
use crate::types::{Offset, ProducerId, Timestamp};

/// Page indexes and footer of a file of a million pages fit.
const TAIL_BYTES_MAX: u64 = 256 << 20;
/// A record batch of rows read from a file is to take about this much.
const READ_BYTES: i64 = 4 << 20;
const READ_ROWS_MAX: i64 = 1024;

/// A row of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub group: usize,
    /// In the row group.
    pub row: usize,
}

/// An archive file whose tail was read and checked.
#[derive(Debug)]
pub(crate) struct ArchiveFile {
    pub entry: ArchivedFile,
    /// For messages.
    pub place: String,
    blocks: Blocks,
    metadata: ArrowReaderMetadata,
    /// Batches that have no rows, by offset.
    pub empty: Vec<[u8; HEADER_BYTES]>,
    pub aborted: Vec<Aborted>,
}

impl ArchiveFile {
    /// Reads the tail only. Errors: NotFound; Corrupt when the file is not the one that the catalog
    /// names, or is not an archive file.
    pub fn open(store: &dyn BlobStore, entry: &ArchivedFile) -> Result<ArchiveFile> {
        let place = store.place(&entry.name);
        let blob = store.open(&entry.name)?;
        if blob.size_bytes() != entry.size_bytes {
            return Err(Error::corrupt(format!(
                "{place}: {} bytes, the catalog says {}: the file was cut short or replaced",
                blob.size_bytes(),
                entry.size_bytes
            )));
        }
        let tail_bytes = entry.size_bytes.saturating_sub(entry.tail_position);
        if !(12..=TAIL_BYTES_MAX).contains(&tail_bytes) {
            return Err(Error::corrupt(format!(
                "{place}: a tail of {tail_bytes} bytes is impossible"
            )));
        }
        let bytes = blob.read(entry.tail_position, tail_bytes as usize)?;
        if crc32c(&bytes) != entry.tail_crc {
            return Err(Error::corrupt(format!(
                "{place}: position {}: the checksum of page index and footer does not match: restore the file from a backup",
                entry.tail_position
            )));
        }
        let tail = Tail {
            bytes,
            position: entry.tail_position,
        };
        let metadata = guard(&place, || parse(&tail))?;
        let facts = Facts {
            metadata: metadata.metadata(),
            place: &place,
        };
        facts.check(entry)?;
        let blocks = Blocks::new(
            blob,
            place.clone(),
            entry.tail_position,
            facts.block_sums()?,
        )?;
        let (empty, aborted) = (facts.empty()?, facts.aborted()?);
        Ok(ArchiveFile {
            entry: entry.clone(),
            place,
            blocks,
            metadata,
            empty,
            aborted,
        })
    }

    fn parquet(&self) -> &ParquetMetaData {
        self.metadata.metadata()
    }

    pub fn groups(&self) -> usize {
        self.parquet().num_row_groups()
    }

    /// What keeping this file open takes.
    pub fn memory_bytes(&self) -> usize {
        self.parquet().memory_size() + self.empty.len() * HEADER_BYTES + 4096
    }

    pub fn check_blocks(&self) -> Result<()> {
        self.blocks.check_all()
    }

    /// Rows of one group from `row` on, at most `rows`, of the columns chosen (all when `None`).
    pub fn rows(
        &self,
        from: Place,
        rows: usize,
        columns: Option<&[C]>,
    ) -> Result<ParquetRecordBatchReader> {
        let group = self.parquet().row_groups().get(from.group);
        let group = group.ok_or_else(|| Error::internal("no such row group"))?;
        let total = group.num_rows();
        let rows = (rows as i64).min(total - from.row as i64).max(0) as usize;
        let row_bytes = group.total_byte_size().max(1) / total.max(1) + 1;
        let at_once = (READ_BYTES / row_bytes).clamp(1, READ_ROWS_MAX) as usize;
        guard(&self.place, || {
            let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(
                self.blocks.clone(),
                self.metadata.clone(),
            );
            if let Some(columns) = columns {
                let roots = columns.iter().map(|c| *c as usize);
                let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
                builder = builder.with_projection(mask);
            }
            let selection = [RowSelector::skip(from.row), RowSelector::select(rows)];
            builder
                .with_row_groups(vec![from.group])
                .with_row_selection(RowSelection::from(selection.to_vec()))
                .with_batch_size(at_once.min(rows.max(1)))
                .build()
        })
    }

    /// The greatest value of each page of a column of 64-bit numbers, and the page's first row;
    /// pages of nulls only are left out.
    pub fn pages(&self, group: usize, column: C) -> Result<Vec<PageBounds>> {
        let index = self.parquet().page_index_for_row_group(group);
        let missing = || Error::corrupt(format!("{}: no page index of {column:?}", self.place));
        let locations = index.offset_index(column.leaf()).ok_or_else(missing)?;
        let Some(ColumnIndexMetaData::INT64(bounds)) = index.column_index(column.leaf()) else {
            return Err(missing());
        };
        let mut pages = Vec::with_capacity(locations.page_locations().len());
        for (location, value) in locations
            .page_locations()
            .iter()
            .zip(bounds.max_values_iter())
        {
            if let Some(max) = value {
                pages.push(PageBounds {
                    row: location.first_row_index.max(0) as usize,
                    max: *max,
                });
            }
        }
        Ok(pages)
    }

    /// Least and greatest value of a column of 64-bit numbers in a row group; `None` without values.
    pub fn group_bounds(&self, group: usize, column: C) -> Option<(i64, i64)> {
        use parquet::file::statistics::Statistics;
        let chunk = self
            .parquet()
            .row_groups()
            .get(group)?
            .columns()
            .get(column.leaf())?;
        match chunk.statistics()? {
            Statistics::Int64(s) => Some((*s.min_opt()?, *s.max_opt()?)),
            _ => None,
        }
    }

    /// The page of the first row where `column`, which ascends, is `least` or more.
    pub fn page_of(&self, column: C, least: i64) -> Result<Option<Place>> {
        for group in 0..self.groups() {
            let bounds = self.group_bounds(group, column);
            let (_, max) = bounds.ok_or_else(|| self.no_bounds(column))?;
            if max < least {
                continue;
            }
            let pages = self.pages(group, column)?;
            let page = pages.iter().find(|page| page.max >= least);
            return Ok(page.map(|page| Place {
                group,
                row: page.row,
            }));
        }
        Ok(None)
    }

    /// The first row where `column`, which ascends, is `least` or more: reads one page of it.
    pub fn first_row(self: &Arc<Self>, column: C, least: i64) -> Result<Option<Place>> {
        let Some(page) = self.page_of(column, least)? else {
            return Ok(None);
        };
        let mut reader = RowReader::new(self.clone(), page, Some(vec![column]));
        let mut row = page.row;
        while let Some(rows) = reader.next()? {
            let numbers = rows
                .columns()
                .first()
                .and_then(|c| c.as_primitive_opt::<Int64Type>());
            let numbers = numbers.ok_or_else(|| self.no_bounds(column))?.values();
            let below = numbers.iter().take_while(|at| **at < least).count();
            row += below;
            if below < numbers.len() {
                return Ok(Some(Place { row, ..page }));
            }
        }
        Err(self.no_bounds(column))
    }

    pub fn no_bounds(&self, column: C) -> Error {
        Error::corrupt(format!(
            "{}: no statistics of {column:?}, or wrong ones",
            self.place
        ))
    }

    /// The first place where a record at or after `timestamp` may lie.
    pub fn page_of_time(&self, timestamp: Timestamp, from: usize) -> Result<Option<Place>> {
        let micros = timestamp.get().saturating_mul(1000);
        for group in from..self.groups() {
            match self.group_bounds(group, C::Timestamp) {
                Some((_, max)) if max >= micros => {}
                _ => continue,
            }
            let pages = self.pages(group, C::Timestamp)?;
            if let Some(page) = pages.iter().find(|page| page.max >= micros) {
                let row = page.row;
                return Ok(Some(Place { group, row }));
            }
        }
        Ok(None)
    }
}

/// A page of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageBounds {
    pub row: usize,
    pub max: i64,
}

/// Footer and page index of a tail, looked over before they are parsed.
fn parse(tail: &Tail) -> Result<ArrowReaderMetadata, ParquetError> {
    let bytes = &tail.bytes;
    let end = bytes.len() - 8;
    let stated = bytes.get(end..end + 4).and_then(|b| b.first_chunk::<4>());
    let footer_bytes = stated.map_or(0, |b| u32::from_le_bytes(*b)) as usize;
    let footer = end.checked_sub(footer_bytes);
    let footer = footer.ok_or_else(|| general("the footer is longer than the tail"))?;
    thrift::check(bytes.get(footer..end).unwrap_or_default())?;
    let mut reader = ParquetMetaDataReader::new();
    reader.try_parse(tail)?;
    let bare = reader.finish()?;
    for group in bare.row_groups() {
        for column in group.columns() {
            for range in [column.column_index_range(), column.offset_index_range()]
                .into_iter()
                .flatten()
            {
                let from = range.start.checked_sub(tail.position);
                let to = range.end.checked_sub(tail.position);
                let index = from
                    .zip(to)
                    .and_then(|(f, t)| bytes.get(f as usize..t as usize));
                thrift::check(index.ok_or_else(|| general("a page index lies elsewhere"))?)?;
            }
        }
    }
    let mut reader = ParquetMetaDataReader::new_with_metadata(bare)
        .with_page_index_policy(PageIndexPolicy::Optional)
        .with_offset_index_policy(PageIndexPolicy::Required);
    reader.read_page_indexes(tail)?;
    let options = ArrowReaderOptions::new().with_schema(schema());
    ArrowReaderMetadata::try_new(Arc::new(reader.finish()?), options)
}

fn general(what: &str) -> ParquetError {
    ParquetError::General(what.to_owned())
}

/// What the footer says beyond Parquet.
struct Facts<'a> {
    metadata: &'a ParquetMetaData,
    place: &'a str,
}

impl Facts<'_> {
    fn corrupt(&self, what: impl std::fmt::Display) -> Error {
        Error::corrupt(format!("{}: {what}", self.place))
    }

    fn get(&self, key: &str) -> Option<&str> {
        let all = self.metadata.file_metadata().key_value_metadata()?;
        all.iter().find(|kv| kv.key == key)?.value.as_deref()
    }

    /// Row counts, offsets and sizes agree among themselves and with the catalog.
    fn check(&self, entry: &ArchivedFile) -> Result<()> {
        match self.get(keys::FORMAT) {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(Error::coded(
                    Code::UnsupportedVersion,
                    format!(
                        "{}: archive format {other}, this program knows {FORMAT}: use a newer one",
                        self.place
                    ),
                ));
            }
            None => return Err(self.corrupt("not an archive file")),
        }
        let number = |key| self.get(key).and_then(|v| v.parse::<i64>().ok());
        if number(keys::BASE_OFFSET) != Some(entry.base_offset)
            || number(keys::NEXT_OFFSET) != Some(entry.next_offset)
        {
            return Err(self.corrupt("holds other offsets than the catalog says"));
        }
        let mut rows: u64 = 0;
        for group in self.metadata.row_groups() {
            let bounds = 1..=i64::from(i32::MAX);
            if !bounds.contains(&group.num_rows()) || group.total_byte_size() < 0 {
                return Err(self.corrupt("a row group has an impossible size"));
            }
            rows += group.num_rows() as u64;
        }
        if rows != entry.rows || self.metadata.file_metadata().num_rows() != rows as i64 {
            return Err(self.corrupt(format_args!("{rows} rows, the catalog says {}", entry.rows)));
        }
        self.check_columns()?;
        self.check_pages()
    }

    /// The library takes these numbers as they are.
    fn check_columns(&self) -> Result<()> {
        let groups = self.metadata.row_groups().iter();
        for column in groups.flat_map(|group| group.columns()) {
            let starts = [
                Some(column.data_page_offset()),
                column.dictionary_page_offset(),
            ];
            let sound = starts.into_iter().flatten().all(|at| at >= 0)
                && column.compressed_size() >= 0
                && column.uncompressed_size() >= 0
                && column.num_values() >= 0;
            if !sound {
                return Err(self.corrupt("a column has an impossible place or size"));
            }
        }
        Ok(())
    }

    fn check_pages(&self) -> Result<()> {
        for (number, group) in self.metadata.row_groups().iter().enumerate() {
            let index = self.metadata.page_index_for_row_group(number);
            for column in 0..group.num_columns() {
                let pages = index.offset_index(column).map(|i| i.page_locations());
                let pages = pages.ok_or_else(|| self.corrupt("a column has no page index"))?;
                let mut expected_min = 0;
                for page in pages {
                    let fits = page.first_row_index >= expected_min
                        && page.first_row_index < group.num_rows()
                        && page.offset >= 0
                        && page.compressed_page_size >= 0;
                    if !fits || (expected_min == 0 && page.first_row_index != 0) {
                        return Err(self.corrupt("a page index names impossible pages"));
                    }
                    expected_min = page.first_row_index + 1;
                }
            }
        }
        Ok(())
    }

    fn block_sums(&self) -> Result<Vec<u32>> {
        let bytes = self.hex(keys::BLOCK_SUMS)?;
        let (words, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(self.corrupt(format_args!(
                "checksums of {BLOCK_BYTES}-byte blocks are damaged"
            )));
        }
        Ok(words.iter().map(|w| u32::from_be_bytes(*w)).collect())
    }

    fn empty(&self) -> Result<Vec<[u8; HEADER_BYTES]>> {
        let bytes = self.hex(keys::EMPTY_BATCHES)?;
        let (headers, rest) = bytes.as_chunks::<HEADER_BYTES>();
        let whole = headers.iter().all(|h| {
            BatchHeader::parse(h).is_ok_and(|p| p.count == 0 && p.size_bytes == HEADER_BYTES)
        });
        if !rest.is_empty() || !whole {
            return Err(self.corrupt("the list of empty batches is damaged"));
        }
        Ok(headers.to_vec())
    }

    fn aborted(&self) -> Result<Vec<Aborted>> {
        let text = self.get(keys::ABORTED).unwrap_or_default();
        let mut all = Vec::new();
        for one in text.split(';').filter(|one| !one.is_empty()) {
            let numbers: Result<Vec<i64>, _> = one.split(':').map(str::parse).collect();
            match numbers.as_deref() {
                Ok([producer, first, last, stable]) => all.push(Aborted {
                    producer_id: ProducerId(*producer),
                    first_offset: Offset(*first),
                    last_offset: Offset(*last),
                    last_stable: Offset(*stable),
                }),
                _ => return Err(self.corrupt("the list of aborted transactions is damaged")),
            }
        }
        Ok(all)
    }

    /// An empty list where the key is missing.
    fn hex(&self, key: &str) -> Result<Vec<u8>> {
        let text = self.get(key).unwrap_or_default().as_bytes();
        let digit = |c: u8| (c as char).to_digit(16).map(|d| d as u8);
        let pair = |p: &[u8; 2]| Some(digit(p[0])? << 4 | digit(p[1])?);
        let (pairs, rest) = text.as_chunks::<2>();
        let bytes: Option<Vec<u8>> = pairs.iter().map(pair).collect();
        match bytes {
            Some(bytes) if rest.is_empty() => Ok(bytes),
            _ => Err(self.corrupt(format_args!("the metadata {key} is damaged"))),
        }
    }
}

/// For errors of readers that [`ArchiveFile::rows`] gave.
pub(crate) fn row_error(place: &str, error: arrow_schema::ArrowError) -> Error {
    match error {
        arrow_schema::ArrowError::ParquetError(text) => Error::corrupt(format!("{place}: {text}")),
        arrow_schema::ArrowError::ExternalError(inner) => match inner.downcast::<ParquetError>() {
            Ok(error) => ours(place, *error),
            Err(other) => Error::corrupt(format!("{place}: {other}")),
        },
        other => Error::corrupt(format!("{place}: {other}")),
    }
}

/// What a file says about itself, for a catalog that is lost. Size and checksum of the tail are those
/// of the file as it is now. Errors: Corrupt when it is not an archive file.
pub(crate) fn read_entry(store: &dyn BlobStore, name: &str) -> Result<ArchivedFile> {
    let place = store.place(name);
    let blob = store.open(name)?;
    let size = blob.size_bytes();
    let none = || Error::corrupt(format!("{place}: not an archive file"));
    let end = blob.read(size.checked_sub(8).ok_or_else(none)?, 4)?;
    let footer_bytes = end
        .first_chunk::<4>()
        .map(|b| u64::from(u32::from_le_bytes(*b)));
    let position = footer_bytes
        .and_then(|len| size.checked_sub(8 + len))
        .ok_or_else(none)?;
    if size - position > TAIL_BYTES_MAX {
        return Err(none());
    }
    let footer = Tail {
        bytes: blob.read(position, (size - position) as usize)?,
        position,
    };
    let metadata = guard(&place, || {
        thrift::check(&footer.bytes)?;
        ParquetMetaDataReader::new().parse_and_finish(&footer)
    })?;
    let facts = Facts {
        metadata: &metadata,
        place: &place,
    };
    let entry = facts
        .get(keys::ENTRY)
        .and_then(|json| serde_json::from_str(json).ok());
    let mut entry: ArchivedFile = entry.ok_or_else(none)?;
    let tail_bytes = size
        .checked_sub(entry.tail_position)
        .filter(|len| *len <= TAIL_BYTES_MAX);
    let tail = blob.read(entry.tail_position, tail_bytes.ok_or_else(none)? as usize)?;
    entry.name = name.to_owned();
    entry.size_bytes = size;
    entry.tail_crc = crc32c(&tail);
    Ok(entry)
}
