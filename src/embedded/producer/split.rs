//! A batch that the topic finds too large, as several that it takes: Kafka's producer splits too.
//! Seldom: the topic's limit fell while records waited, or its own codec makes them larger.

use crate::error::{Code, Error, Result};
use crate::record::{BatchBuilder, BuildOptions, RecordView, Rules, validate};

/// A record that is too large for the topic even alone: which of the batch, and why.
pub(super) type Refused = (u32, Error);

/// Batches that go to the log in one append, so that their offsets follow each other.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Whole batches, one after the other.
    pub bytes: Vec<u8>,
    /// How many records they hold.
    pub count: i32,
    /// Ascending.
    pub refused: Vec<Refused>,
}

/// Cuts what `whole` holds into batches that `rules` let pass.
///
/// Errors: what the rules find besides the size.
pub(super) fn split(
    whole: &BatchBuilder,
    options: &BuildOptions,
    rules: &Rules<'_>,
) -> Result<Parts> {
    let records: Vec<RecordView<'_>> = whole.records().collect::<Result<_>>()?;
    let mut parts = Parts::default();
    let mut builder = BatchBuilder::with_capacity(whole.size_bytes() / 2);
    let halves = records.split_at(records.len() / 2);
    for half in [halves.0, halves.1] {
        parts.add(half, &mut builder, options, rules)?;
    }
    Ok(parts)
}

impl Parts {
    /// `records` as one batch if the topic takes it, else in halves; in order.
    fn add(
        &mut self,
        records: &[RecordView<'_>],
        builder: &mut BatchBuilder,
        options: &BuildOptions,
        rules: &Rules<'_>,
    ) -> Result<()> {
        let Some(first) = records.first() else {
            return Ok(());
        };
        builder.clear();
        for (delta, record) in (0..).zip(records) {
            builder.push_view(delta, record);
        }
        let mut own = *options;
        if own.base_sequence >= 0 {
            // Sequences wrap to 0 after i32::MAX.
            own.base_sequence = own.base_sequence.wrapping_add(self.count) & i32::MAX;
        }
        let batch = builder.finish(&own)?;
        match validate(batch, rules) {
            Ok(_) => {
                self.bytes.extend_from_slice(batch);
                self.count += builder.count();
                Ok(())
            }
            Err(error) if error.code() != Code::MessageTooLarge => Err(error),
            Err(error) if records.len() == 1 => {
                let index = u32::try_from(first.offset.get()).unwrap_or(u32::MAX);
                self.refused.push((index, error));
                Ok(())
            }
            Err(_) => {
                let (left, right) = records.split_at(records.len() / 2);
                self.add(left, builder, options, rules)?;
                self.add(right, builder, options, rules)
            }
        }
    }
}
