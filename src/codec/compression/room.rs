//! Room for what is decompressed: doubled as it grows, never beyond what the caller allows.

/// Makes room for `bytes` more behind `into`, which may grow to `end_max` bytes in all.
///
/// `Vec` alone would double past the limit; `bytes` were checked against it.
pub(super) fn reserve_within(into: &mut Vec<u8>, bytes: usize, end_max: usize) {
    if into.capacity() - into.len() >= bytes {
        return;
    }
    let wish = bytes.max(into.len());
    let left = end_max.saturating_sub(into.len());
    into.reserve_exact(wish.min(left).max(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_doubles_up_to_the_limit_and_no_further() {
        let mut into = vec![0; 65_536];
        reserve_within(&mut into, 1000, usize::MAX);
        assert!(into.capacity() >= 2 * 65_536);
        let mut into = vec![0; 65_536];
        reserve_within(&mut into, 5159, 70_695);
        assert_eq!(into.capacity(), 70_695);
    }
}
