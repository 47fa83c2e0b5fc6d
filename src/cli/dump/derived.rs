//! What is made from the log, and small files.

use serde_json::{Value, json};

use super::command::Shown;
use crate::cli::names;
use crate::cli::stop::Result;
use crate::cli::time;
use crate::error::{Error, Kind};
use crate::log::files::read_text;
use crate::log::{Epochs, OffsetIndex, ProducerStates, TimeIndex, TxnIndex};
use crate::types::Offset;

/// Small text files are no larger.
const TEXT_BYTES_MAX: u64 = 1 << 28;

impl Shown<'_> {
    /// The base offset in the file's name.
    fn base(&self, name: &str) -> Result<Offset> {
        let parsed = names::parse(name).map(|(base, _)| base);
        Ok(parsed.ok_or_else(|| {
            let path = self.path.display();
            Error::invalid(format!(
                "{path}: a base offset of 20 digits was expected in its name"
            ))
        })?)
    }

    /// Rows as JSON lines, or as the words that stand beside them.
    fn rows(mut self, rows: impl Iterator<Item = (Value, String)>) -> Result {
        for (value, words) in rows {
            match self.json {
                true => self.output.json_line(&value)?,
                false => self.output.bytes(format!("{words}\n").as_bytes())?,
            }
        }
        self.output.flush()
    }
}

pub(super) fn offset_index(shown: Shown<'_>, name: &str) -> Result {
    let base = shown.base(name)?;
    let (disk, size) = (shown.disk.clone(), shown.size_bytes);
    let index = OffsetIndex::open(disk, shown.path, base, u32::MAX, size, true);
    let rows = index.entries()?.into_iter().map(|(offset, position)| {
        let value = json!({"offset": offset.get(), "position": position});
        (value, format!("offset {offset} at byte {position}"))
    });
    shown.rows(rows)
}

pub(super) fn time_index(shown: Shown<'_>, name: &str) -> Result {
    let base = shown.base(name)?;
    let (disk, size) = (shown.disk.clone(), shown.size_bytes);
    let index = TimeIndex::open(disk, shown.path, base, u32::MAX, size, true);
    let rows = index.entries()?.into_iter().map(|(timestamp, offset)| {
        let value = json!({"timestamp": timestamp.get(), "offset": offset.get()});
        let at = time::format(timestamp);
        (
            value,
            format!("{at} ({timestamp} ms) up to offset {offset}"),
        )
    });
    shown.rows(rows)
}

pub(super) fn txn_index(shown: Shown<'_>, name: &str) -> Result {
    let base = shown.base(name)?;
    let index = TxnIndex::open(shown.disk.clone(), shown.path, base, shown.size_bytes, true);
    let rows = index.entries()?.into_iter().map(|a| {
        let value = json!({
            "producer_id": a.producer_id.get(), "first_offset": a.first_offset.get(),
            "last_offset": a.last_offset.get(), "last_stable_offset": a.last_stable.get(),
        });
        let words = format!(
            "producer {} aborted offsets {} to {}, last stable offset {}",
            a.producer_id, a.first_offset, a.last_offset, a.last_stable
        );
        (value, words)
    });
    shown.rows(rows)
}

pub(super) fn snapshot(shown: Shown<'_>, name: &str) -> Result {
    let offset = shown.base(name)?;
    let dir = shown.path.parent().unwrap_or(std::path::Path::new("."));
    let states = ProducerStates::load(&*shown.disk, dir, offset)?;
    let mut producers: Vec<_> = states.iter().map(|(id, entry)| (id, *entry)).collect();
    producers.sort_by_key(|(id, _)| *id);
    let rows = producers.into_iter().map(|(id, entry)| {
        let last = entry.last_batch();
        let value = json!({
            "producer_id": id.get(), "epoch": entry.epoch.0,
            "coordinator_epoch": entry.coordinator_epoch,
            "last_timestamp": entry.last_timestamp.get(),
            "last_sequence": last.map(|b| b.last_sequence),
            "last_offset": last.map(|b| b.last_offset.get()),
            "open_transaction": entry.txn_first_offset.map(|o| o.get()),
        });
        let mut words = format!("producer {id} epoch {}", entry.epoch);
        if let Some(batch) = last {
            let (sequence, offset) = (batch.last_sequence, batch.last_offset);
            words.push_str(&format!(", last sequence {sequence} at offset {offset}"));
        }
        if let Some(first) = entry.txn_first_offset {
            words.push_str(&format!(", transaction open since offset {first}"));
        }
        (value, words)
    });
    shown.rows(rows)
}

pub(super) fn epochs(shown: Shown<'_>) -> Result {
    let dir = shown.path.parent().unwrap_or(std::path::Path::new("."));
    let epochs = Epochs::load(&*shown.disk, dir)?;
    let entries = epochs.entries().to_vec();
    shown.rows(entries.into_iter().map(|(epoch, start)| {
        let value = json!({"epoch": epoch.get(), "start_offset": start.get()});
        (value, format!("epoch {epoch} from offset {start}"))
    }))
}

pub(super) fn checkpoint(shown: Shown<'_>) -> Result {
    let entries = crate::log::checkpoint::read(&*shown.disk, shown.path)?;
    shown.rows(entries.into_iter().map(|(name, offset)| {
        let value = json!({
            "topic": &*name.topic, "partition": name.partition, "offset": offset.get()
        });
        (value, format!("{name}: offset {offset}"))
    }))
}

/// `key=value` or `key: value` lines.
pub(super) fn text(shown: Shown<'_>) -> Result {
    let text = read_text(&*shown.disk, shown.path, TEXT_BYTES_MAX)?;
    let text = text.ok_or_else(|| {
        Error::new(
            Kind::NotFound,
            format!("there is no {}", shown.path.display()),
        )
    })?;
    let lines = text
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'));
    let rows = lines.map(|line| {
        let (key, value) = line.split_once([':', '=']).unwrap_or((line, ""));
        let (key, value) = (key.trim(), value.trim());
        (json!({ key: value }), format!("{key}: {value}"))
    });
    shown.rows(rows)
}
