//! Arrow in and out, by its C stream interface: nothing but memory is shared, whatever library is on the
//! other side (<https://arrow.apache.org/docs/format/CStreamInterface.html>).

use levada::{Error, Result};

/// How bytes lie in Arrow columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum levada_layout {
    /// BinaryView: values stay where they lie, for libraries that know it (Arrow 1.4 of the format).
    LEVADA_LAYOUT_VIEW = 0,
    /// LargeBinary, with 64-bit offsets.
    LEVADA_LAYOUT_LARGE = 1,
    /// Binary, with 32-bit offsets: for libraries that know no other. A record batch holds less than 2 GiB then.
    LEVADA_LAYOUT_SMALL = 2,
}

/// LEVADA_INVALID for what is none of levada_layout.
pub fn check_layout(layout: i32) -> Result<()> {
    match layout {
        0..=2 => Ok(()),
        _ => Err(Error::invalid(format!(
            "{layout} is no layout: there are LEVADA_LAYOUT_VIEW, LEVADA_LAYOUT_LARGE and LEVADA_LAYOUT_SMALL"
        ))),
    }
}

/// A struct of the program's, as C hands it in: to be taken over, or to be filled. Only C makes one, and by the
/// header's rules it is NULL or leads to a whole struct that nobody else uses during the call.
#[repr(transparent)]
pub struct Stream(*mut ArrowArrayStream);

impl Stream {
    fn check(&self) -> Result<()> {
        match self.0.is_null() || !self.0.is_aligned() {
            true => Err(Error::invalid(
                "the stream is NULL: give a struct ArrowArrayStream",
            )),
            false => Ok(()),
        }
    }
}

#[cfg(feature = "archive")]
pub use built_in::*;
#[cfg(not(feature = "archive"))]
pub use left_out::*;

#[cfg(feature = "archive")]
mod built_in {
    use std::time::Duration;

    use arrow_array::RecordBatchIterator;
    use arrow_array::ffi_stream::{FFI_ArrowArrayStream, RecordBatchStreamReader};
    use arrow_schema::ArrowError;
    use levada::archive::arrow::{Binary, Columns};
    use levada::embedded::{Bound, Consumer, Database, Producer, ScanOptions};
    use levada::types::{IsolationLevel, Offset, Timestamp};
    use levada::{Error, Result};

    use super::{Stream, check_layout};
    use crate::enter::caught;
    use crate::scan::{Limit, Wishes};

    pub type ArrowArrayStream = FFI_ArrowArrayStream;

    pub fn check_built_in() -> Result<()> {
        Ok(())
    }

    fn binary(layout: i32) -> Result<Binary> {
        check_layout(layout)?;
        Ok(match layout {
            1 => Binary::Large,
            2 => Binary::Small,
            _ => Binary::View,
        })
    }

    impl Stream {
        /// Fills the struct; what was there before is not looked at.
        fn give(&self, stream: FFI_ArrowArrayStream) -> Result<()> {
            self.check()?;
            // SAFETY: checked for NULL and alignment; see `Stream`. Nothing lives there that needs a release.
            unsafe { self.0.write(stream) };
            Ok(())
        }
    }

    /// A stream of the program's, taken over; released when dropped.
    pub struct Incoming(FFI_ArrowArrayStream);

    impl Incoming {
        pub fn take(stream: &Stream) -> Result<Incoming> {
            stream.check()?;
            // SAFETY: see `Stream`; it is moved out, and its old place is marked as released.
            Ok(Incoming(unsafe {
                FFI_ArrowArrayStream::from_raw(stream.0)
            }))
        }

        /// Sends the rows; gives how many.
        pub fn send(self, producer: &Producer, topic: &str, keep_partitions: bool) -> Result<u64> {
            let mut batches = RecordBatchStreamReader::try_new(self.0)
                .map_err(|e| Error::invalid("the Arrow stream cannot be read").at(e))?;
            // Arrow's library panics at arrays that are not what their schema says.
            let batches = std::iter::from_fn(move || {
                let next = caught(|| batches.next());
                next.unwrap_or_else(|text| Some(Err(ArrowError::CDataInterface(text))))
            });
            let sent = producer.send_arrow(topic, batches, keep_partitions)?;
            Ok(sent.len() as u64)
        }
    }

    pub fn poll(
        consumer: &Consumer,
        bytes_max: Option<usize>,
        time: Duration,
        layout: i32,
        out_stream: &Stream,
    ) -> Result<()> {
        out_stream.check()?;
        let (schema, batches) = consumer.poll_arrow(bytes_max, time, binary(layout)?)?;
        let batches = RecordBatchIterator::new(batches.into_iter().map(Ok), schema);
        out_stream.give(FFI_ArrowArrayStream::new(Box::new(batches)))
    }

    fn bound(limit: Limit) -> Bound {
        match limit.time {
            Some(ms) => Bound::Time(Timestamp(ms)),
            None if limit.offsets.is_empty() => Bound::Open,
            None => {
                let offsets = limit.offsets.into_iter();
                Bound::Offsets(offsets.map(|(p, offset)| (p, Offset(offset))).collect())
            }
        }
    }

    pub fn scan(
        database: &Database,
        topic: &str,
        wishes: Wishes,
        out_stream: &Stream,
    ) -> Result<()> {
        out_stream.check()?;
        let options = ScanOptions {
            partitions: wishes.partitions,
            start: bound(wishes.from),
            end: bound(wishes.until),
            columns: match &wishes.columns {
                Some(names) => Columns::parse(names.iter().map(String::as_str))?,
                None => Columns::default(),
            },
            binary: binary(wishes.layout)?,
            isolation: match wishes.committed {
                true => IsolationLevel::ReadCommitted,
                false => IsolationLevel::ReadUncommitted,
            },
        };
        let reader = database.scan(topic, options)?.into_reader();
        out_stream.give(FFI_ArrowArrayStream::new(Box::new(reader)))
    }
}

#[cfg(not(feature = "archive"))]
mod left_out {
    use std::ffi::c_void;
    use std::time::Duration;

    use levada::Result;
    use levada::embedded::{Consumer, Database, Producer};

    use super::Stream;
    use crate::library::left_out;
    use crate::scan::Wishes;

    type Callback = Option<unsafe extern "C" fn(*mut ArrowArrayStream)>;

    /// The struct of Arrow's C stream interface, as far as it takes to release one.
    #[repr(C)]
    pub struct ArrowArrayStream {
        get_schema: *mut c_void,
        get_next: *mut c_void,
        get_last_error: *mut c_void,
        release: Callback,
        private_data: *mut c_void,
    }

    pub fn check_built_in() -> Result<()> {
        Err(left_out("archive"))
    }

    /// Never made.
    pub enum Incoming {}

    impl Incoming {
        /// The stream is taken over also by a build that can do nothing with it.
        pub fn take(stream: &Stream) -> Result<Incoming> {
            stream.check()?;
            // SAFETY: see `Stream`; release is called once, as the interface says, and marks the struct as
            // released itself.
            unsafe {
                if let Some(release) = (*stream.0).release {
                    release(stream.0);
                }
            }
            Err(left_out("archive"))
        }

        pub fn send(self, _: &Producer, _: &str, _: bool) -> Result<u64> {
            match self {}
        }
    }

    pub fn poll(_: &Consumer, _: Option<usize>, _: Duration, _: i32, _: &Stream) -> Result<()> {
        Err(left_out("archive"))
    }

    pub fn scan(_: &Database, _: &str, _: Wishes, _: &Stream) -> Result<()> {
        Err(left_out("archive"))
    }
}
