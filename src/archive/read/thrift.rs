//! A look at Thrift's compact encoding before the Parquet crate parses it: it reserves memory for as
//! many elements as a list claims, and an allocation that fails ends the process.

use parquet::errors::ParquetError;

/// Deeper than any structure of Parquet's.
const DEPTH_MAX: usize = 32;

/// Walks the structure at the start of `bytes`: every list must have room for its elements (each takes
/// a byte at least), every string for its bytes. Gives how many bytes the structure takes.
pub(crate) fn check(bytes: &[u8]) -> Result<usize, ParquetError> {
    let mut walk = Walk { bytes, at: 0 };
    match walk.structure(0) {
        Some(()) => Ok(walk.at),
        None => Err(ParquetError::General(format!(
            "a description claims more than it has (at its byte {})",
            walk.at
        ))),
    }
}

#[derive(Debug)]
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Walk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at)?;
        self.at += 1;
        Some(*byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        let count = usize::try_from(count).ok()?;
        let left = self.bytes.len() - self.at;
        if count > left {
            return None;
        }
        self.at += count;
        Some(())
    }

    fn structure(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(());
            }
            if head >> 4 == 0 {
                self.varint()?;
            }
            // A boolean field has its value in its type.
            if !matches!(head & 15, 1 | 2) {
                self.value(head & 15, depth)?;
            }
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<()> {
        match kind {
            1..=3 => self.skip(1),
            4..=6 => self.varint().map(|_| ()),
            7 => self.skip(8),
            8 => {
                let len = self.varint()?;
                self.skip(len)
            }
            9 | 10 => self.list(depth),
            11 => self.map(depth),
            12 => self.structure(depth + 1),
            13 => self.skip(16),
            _ => None,
        }
    }

    fn list(&mut self, depth: usize) -> Option<()> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            few => u64::from(few),
        };
        if count > (self.bytes.len() - self.at) as u64 || depth > DEPTH_MAX {
            return None;
        }
        for _ in 0..count {
            self.value(head & 15, depth + 1)?;
        }
        Some(())
    }

    fn map(&mut self, depth: usize) -> Option<()> {
        let count = self.varint()?;
        if count == 0 {
            return Some(());
        }
        let kinds = self.byte()?;
        if count > (self.bytes.len() - self.at) as u64 || depth > DEPTH_MAX {
            return None;
        }
        for _ in 0..count {
            self.value(kinds >> 4, depth + 1)?;
            self.value(kinds & 15, depth + 1)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_claims_too_much_is_refused() {
        // Field 1, a list of 2^31 - 1 structures, and nothing after it.
        let claim = [0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07];
        assert!(check(&claim).is_err());
        // Field 1: a list of two i32; field 2: a string of two bytes; end.
        assert_eq!(
            check(&[0x19, 0x25, 1, 2, 0x18, 2, b'h', b'i', 0, 99]).unwrap(),
            9
        );
        assert!(check(&[0x18, 3, b'h', b'i', 0]).is_err());
        assert!(check(&[0x1c; 100]).is_err(), "too deep");
    }
}
