//! Segments and metadata snapshots: runs of batches.

use serde::Serialize;
use serde_json::json;

use super::command::Shown;
use crate::cli::record_json::Written;
use crate::cli::stop::Result;
use crate::cli::{human, time};
use crate::config::{CLUSTER_METADATA, TimestampType};
use crate::disk::Open;
use crate::engine::metadata::MetadataRecord;
use crate::engine::metadata::directories::parse_partition_dir;
use crate::error::Error;
use crate::log::{Scanner, Step};
use crate::record::{BatchHeader, BatchView, ControlRecord, RecordView};
use crate::types::TopicPartition;

/// A batch's header in words.
#[derive(Debug, Serialize)]
struct Batch {
    position: u64,
    base_offset: i64,
    last_offset: i64,
    count: i32,
    size_bytes: usize,
    crc: String,
    crc_is_right: bool,
    compression: &'static str,
    timestamp_type: &'static str,
    base_timestamp: i64,
    max_timestamp: i64,
    leader_epoch: i32,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
    transactional: bool,
    control: bool,
    delete_horizon: bool,
}

impl Batch {
    fn new(position: u64, batch: &BatchView<'_>) -> Batch {
        let h = batch.header();
        Batch {
            position,
            base_offset: h.base_offset.get(),
            last_offset: h.next_offset().get() - 1,
            count: h.count,
            size_bytes: h.size_bytes,
            crc: format!("{:08x}", h.crc),
            crc_is_right: batch.check_crc().is_ok(),
            compression: h.attributes.compression().map_or("unknown", |c| c.name()),
            timestamp_type: match h.attributes.timestamp_type() {
                TimestampType::CreateTime => "CreateTime",
                TimestampType::LogAppendTime => "LogAppendTime",
            },
            base_timestamp: h.base_timestamp.get(),
            max_timestamp: h.max_timestamp.get(),
            leader_epoch: h.leader_epoch.get(),
            producer_id: h.producer_id.get(),
            producer_epoch: h.producer_epoch.0,
            base_sequence: h.base_sequence,
            transactional: h.attributes.is_transactional(),
            control: h.attributes.is_control(),
            delete_horizon: h.attributes.has_delete_horizon(),
        }
    }

    fn text(&self, header: &BatchHeader) -> String {
        let mut text = format!(
            "byte {}: offsets {} to {}, {} records, {} bytes, {}, {} {}, epoch {}",
            self.position,
            self.base_offset,
            self.last_offset,
            self.count,
            self.size_bytes,
            self.compression,
            self.timestamp_type,
            time::format(header.max_timestamp),
            self.leader_epoch,
        );
        if self.producer_id >= 0 {
            text.push_str(&format!(
                ", producer {} epoch {} sequence {}",
                self.producer_id, self.producer_epoch, self.base_sequence
            ));
        }
        let flags = [
            (self.transactional, "transactional"),
            (self.control, "control"),
            (self.delete_horizon, "delete horizon"),
        ];
        for (_, name) in flags.iter().filter(|(set, _)| *set) {
            text.push_str(&format!(", {name}"));
        }
        if !self.crc_is_right {
            text.push_str(&format!(", CRC {} IS WRONG", self.crc));
        }
        text.push('\n');
        text
    }
}

pub(super) fn show(mut shown: Shown<'_>) -> Result {
    let place = place(&shown);
    let wrong = |e| Error::io(format_args!("read {}", shown.path.display()), e);
    let file = shown.disk.open(shown.path, Open::Read).map_err(wrong)?;
    let mut scanner = Scanner::new(&*file, 0, shown.size_bytes);
    let mut position = 0;
    let mut scratch = Vec::new();
    let mut damaged = None;
    loop {
        match scanner.step().map_err(wrong)? {
            Step::End => break,
            Step::Bad(reason) => {
                damaged = Some(reason);
                break;
            }
            Step::Batch(batch, _) => {
                let row = Batch::new(position, &batch);
                match shown.json {
                    true => shown.output.json_line(&row)?,
                    false => shown.output.bytes(row.text(batch.header()).as_bytes())?,
                }
                if shown.deep && row.crc_is_right {
                    records(&mut shown, &place, &batch, &mut scratch)?;
                }
                position += row.size_bytes as u64;
                if !row.crc_is_right {
                    damaged = Some("a checksum is wrong".to_owned());
                }
            }
        }
    }
    shown.output.flush()?;
    match damaged {
        None => Ok(()),
        Some(why) => {
            let path = shown.path.display();
            Err(Error::corrupt(format!(
                "{path} is damaged, shown up to byte {position}: {why}"
            ))
            .into())
        }
    }
}

/// Whose records they are, as far as the directory's name says.
fn place(shown: &Shown<'_>) -> TopicPartition {
    let whole = shown.disk.exists(shown.path).then_some(shown.path);
    let dir = whole.and_then(|p| p.parent()).and_then(|d| d.file_name());
    let named = dir.and_then(|d| parse_partition_dir(d.to_str()?));
    named.unwrap_or_else(|| TopicPartition::new("", 0))
}

fn records(
    shown: &mut Shown<'_>,
    place: &TopicPartition,
    batch: &BatchView<'_>,
    scratch: &mut Vec<u8>,
) -> Result {
    let control = batch.header().attributes.is_control();
    for record in batch.records(scratch, i32::MAX as usize)? {
        let record = record?;
        let words = match (control, &*place.topic == CLUSTER_METADATA) {
            (true, _) => Some(control_words(&record)),
            (false, true) => Some(metadata_words(&record)),
            (false, false) => None,
        };
        let line = match (words, shown.json) {
            (None, true) => {
                shown.output.json_line(&Written {
                    place,
                    record: &record,
                })?;
                continue;
            }
            (Some(words), true) => {
                format!(
                    "{}\n",
                    json!({"offset": record.offset.get(), "means": words})
                )
            }
            (Some(words), false) => format!("    {} {words}\n", record.offset),
            (None, false) => format!("    {}\n", text(&record)),
        };
        shown.output.bytes(line.as_bytes())?;
    }
    Ok(())
}

fn text(record: &RecordView<'_>) -> String {
    let shown = |bytes: Option<&[u8]>| bytes.map_or_else(|| "-".to_owned(), human::escaped);
    let mut text = format!(
        "{} {} {} {}",
        record.offset,
        time::format(record.timestamp),
        shown(record.key),
        shown(record.value)
    );
    for header in record.headers.iter() {
        text.push_str(&format!(
            " {}={}",
            human::escaped(header.key),
            shown(header.value)
        ));
    }
    text
}

fn control_words(record: &RecordView<'_>) -> String {
    match ControlRecord::parse(record.key) {
        Ok(control) => format!("{:?}", control.kind),
        Err(error) => error.to_string(),
    }
}

fn metadata_words(record: &RecordView<'_>) -> String {
    match MetadataRecord::decode(record.value.unwrap_or_default()) {
        Ok(Some(known)) => format!("{known:?}"),
        Ok(None) => "a record that may be left out".to_owned(),
        Err(error) => error.to_string(),
    }
}
