//! The file as a whole: row groups are encoded in parallel and written in order.

use std::collections::HashSet;
use std::sync::mpsc;

use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, ArrowWriterOptions};
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;

use super::super::arrow::AbortedRanges;
use super::super::catalog::ArchivedFile;
use super::super::layout::{FORMAT, keys, schema, writer_properties};
use super::super::store::BlobWriter;
use super::encode::{Encoded, Encoder, GroupFacts};
use super::plan::{Plan, Segment};
use super::sums::Summed;
use crate::error::{Error, Result};
use crate::log::{Aborted, Stop};
use crate::thread;
use crate::types::{Offset, TopicId, TopicPartition};

/// What becomes one file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteRequest<'a> {
    pub name: &'a TopicPartition,
    /// The file's name in the store.
    pub file: &'a str,
    pub topic_id: TopicId,
    /// At least one, in order.
    pub segments: &'a [Segment],
    /// Transactions that were aborted in these segments.
    pub aborted: &'a [Aborted],
    /// Base offsets of batches whose own bytes are kept beside their rows.
    pub raw: &'a HashSet<i64>,
    pub threads: usize,
    /// Looked at between row groups: an unfinished file leaves nothing behind.
    pub stop: &'a Stop,
}

/// Writes the file and finishes it: it is seen under its name when this returns.
///
/// Memory: about 32 MiB of encoded pages for each thread, and what the largest batch needs.
pub(crate) fn write_file(
    request: &WriteRequest<'_>,
    plan: &Plan,
    to: Box<dyn BlobWriter>,
) -> Result<ArchivedFile> {
    let options = ArrowWriterOptions::new()
        .with_properties(writer_properties())
        .with_skip_arrow_metadata(true)
        .with_schema_root(String::from("levada"));
    let mut summed = Summed::new(to);
    let writer = ArrowWriter::try_new_with_options(&mut summed, schema(), options);
    let (mut writer, factory) = writer
        .and_then(|writer| writer.into_serialized_writer())
        .map_err(|e| Error::internal(format!("starting a parquet file: {e}")))?;
    let encoder = Encoder {
        partition: request.name.partition,
        segments: request.segments,
        aborted: AbortedRanges::new(request.aborted),
        raw: request.raw,
    };
    let mut facts = GroupFacts::default();
    encode_all(&encoder, &factory, plan, request.threads, |encoded| {
        request.stop.check()?;
        facts.add(&encoded.facts);
        append(&mut writer, encoded)
    })?;
    let mut entry = entry(request, plan, &facts);
    describe(request, plan, &mut entry, &mut writer)?;
    if let Err(error) = writer.finish() {
        return Err(write_error(&mut writer, &error));
    }
    drop(writer);
    let (to, tail_position, tail_crc) = summed.end();
    entry.size_bytes = to.finish()?;
    entry.tail_position = tail_position;
    entry.tail_crc = tail_crc;
    Ok(entry)
}

fn entry(request: &WriteRequest<'_>, plan: &Plan, facts: &GroupFacts) -> ArchivedFile {
    let base = request
        .segments
        .first()
        .map_or(Offset::ZERO, |s| s.base_offset);
    let next = request.segments.last().map_or(base, |s| s.next_offset);
    ArchivedFile {
        name: request.file.to_owned(),
        base_offset: base.get(),
        next_offset: next.get(),
        size_bytes: 0,
        rows: facts.rows,
        source_bytes: request.segments.iter().map(|s| s.bytes.len() as u64).sum(),
        tail_position: 0,
        tail_crc: 0,
        latest: facts
            .latest
            .map(|(timestamp, offset)| (timestamp.get(), offset.get())),
        epochs: plan
            .epochs
            .iter()
            .map(|(epoch, at)| (epoch.get(), at.get()))
            .collect(),
        aborted: request.aborted.len() as u64,
    }
}

/// Encodes all row groups on `threads` named threads; `take` gets them in order. No more than two row
/// groups a thread are in memory.
fn encode_all(
    encoder: &Encoder<'_>,
    factory: &ArrowRowGroupWriterFactory,
    plan: &Plan,
    threads: usize,
    mut take: impl FnMut(Encoded) -> Result<()>,
) -> Result<()> {
    let groups = &plan.row_groups;
    let threads = threads.clamp(1, groups.len().max(1));
    std::thread::scope(|scope| {
        let mut workers = Vec::with_capacity(threads);
        for first in 0..threads {
            let (give, got) = mpsc::sync_channel::<Result<Encoded>>(0);
            let work = move || {
                for (number, group) in groups.iter().enumerate().skip(first).step_by(threads) {
                    let encoded = encoder.encode(factory, number, group);
                    let stop = encoded.is_err();
                    if give.send(encoded).is_err() || stop {
                        return;
                    }
                }
            };
            let spawned = thread::start_scoped(scope, format!("levada-archive-{first}"), work);
            spawned.map_err(|e| Error::io("start an archive thread", e))?;
            workers.push(got);
        }
        for number in 0..groups.len() {
            let got = workers.get(number % threads).and_then(|w| w.recv().ok());
            let ended = || Error::internal("an archive thread ended before its work");
            take(got.ok_or_else(ended)??)?;
        }
        Ok(())
    })
}

fn append(writer: &mut SerializedFileWriter<&mut Summed>, encoded: Encoded) -> Result<()> {
    let done = writer.next_row_group().and_then(|mut group| {
        for column in encoded.columns {
            column.append_to_row_group(&mut group)?;
        }
        group.close().map(|_| ())
    });
    done.map_err(|e| write_error(writer, &e))
}

/// The store's own error where there is one.
fn write_error(
    writer: &mut SerializedFileWriter<&mut Summed>,
    error: &parquet::errors::ParquetError,
) -> Error {
    let told = writer.inner_mut().take_failure();
    told.unwrap_or_else(|| Error::internal(format!("writing a parquet file: {error}")))
}

/// Adds the file's metadata and ends its data pages.
fn describe(
    request: &WriteRequest<'_>,
    plan: &Plan,
    entry: &mut ArchivedFile,
    writer: &mut SerializedFileWriter<&mut Summed>,
) -> Result<()> {
    if let Err(e) = writer.flush() {
        return Err(write_error(writer, &parquet::errors::ParquetError::from(e)));
    }
    let (sums, tail_position) = writer.inner_mut().begin_tail();
    entry.tail_position = tail_position;
    let json = serde_json::to_string(entry);
    let json = json.map_err(|e| Error::internal(format!("writing a catalog entry: {e}")))?;
    let mut add = |key: &str, value: String| {
        writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
    };
    add(keys::FORMAT, FORMAT.to_owned());
    add(keys::TOPIC, request.name.topic.to_string());
    add(keys::TOPIC_ID, request.topic_id.to_string());
    add(keys::PARTITION, request.name.partition.to_string());
    add(keys::BASE_OFFSET, entry.base_offset.to_string());
    add(keys::NEXT_OFFSET, entry.next_offset.to_string());
    add(keys::ENTRY, json);
    if !plan.empty.is_empty() {
        add(
            keys::EMPTY_BATCHES,
            hex(plan.empty.iter().flatten().copied()),
        );
    }
    if !request.aborted.is_empty() {
        let all: Vec<String> = request.aborted.iter().map(aborted_text).collect();
        add(keys::ABORTED, all.join(";"));
    }
    add(
        keys::BLOCK_SUMS,
        hex(sums.into_iter().flat_map(u32::to_be_bytes)),
    );
    Ok(())
}

fn aborted_text(aborted: &Aborted) -> String {
    format!(
        "{}:{}:{}:{}",
        aborted.producer_id, aborted.first_offset, aborted.last_offset, aborted.last_stable
    )
}

fn hex(bytes: impl Iterator<Item = u8>) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.size_hint().0 * 2);
    for byte in bytes {
        text.push(DIGITS[(byte >> 4) as usize] as char);
        text.push(DIGITS[(byte & 15) as usize] as char);
    }
    text
}
