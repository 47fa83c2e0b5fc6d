//! Topic names: what Kafka allows, and the names that the engine keeps for itself.

use crate::error::{Code, Error, Result};

/// Kafka's limit, so that `<topic>-<partition>` and a suffix fit a file name of 255 bytes.
pub const TOPIC_NAME_CHARS_MAX: usize = 249;

pub const CONSUMER_OFFSETS: &str = "__consumer_offsets";
pub const TRANSACTION_STATE: &str = "__transaction_state";
pub const CLUSTER_METADATA: &str = "__cluster_metadata";

/// Whether `name` may be a topic's: 1 to 249 of the characters `a-z A-Z 0-9 . _ -`, not `.` or `..`.
///
/// Errors: Invalid, code InvalidTopic, saying which rule it breaks.
pub fn check_topic_name(name: &str) -> Result<()> {
    let refuse = |why: String| Err(Error::coded(Code::InvalidTopic, why));
    if name.is_empty() {
        return refuse("topic name is illegal: it must not be empty".to_owned());
    }
    if name == "." || name == ".." {
        return refuse(format!(
            "topic name {name} is illegal: it must not be \".\" or \"..\""
        ));
    }
    if name.len() > TOPIC_NAME_CHARS_MAX {
        // Counted in bytes; a name that is longer in bytes only breaks the next rule anyway.
        let head: String = name.chars().take(40).collect();
        let count = name.chars().count();
        return refuse(format!(
            "topic name {head}… is illegal: it has {count} characters, more than {TOPIC_NAME_CHARS_MAX}"
        ));
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match name.chars().find(|c| !legal(*c)) {
        None => Ok(()),
        Some(c) => refuse(format!(
            "topic name {name:?} is illegal: it has {c:?}, but only ASCII letters, digits, '.', '_' and '-' are allowed"
        )),
    }
}

/// Whether two different names differ in nothing but `.` and `_`, which metrics cannot tell apart.
pub fn names_collide(one: &str, other: &str) -> bool {
    let folded = |b: u8| if b == b'.' { b'_' } else { b };
    one != other && one.bytes().map(folded).eq(other.bytes().map(folded))
}

/// Whether the topic is the engine's own: clients may read it, not write or delete it.
pub fn is_internal_topic(name: &str) -> bool {
    matches!(
        name,
        CONSUMER_OFFSETS | TRANSACTION_STATE | CLUSTER_METADATA
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_names_pass_and_illegal_ones_say_why() {
        let longest = "x".repeat(249);
        for name in ["a", "orders", "a.b_c-D9", "...", "__x", longest.as_str()] {
            check_topic_name(name).unwrap_or_else(|e| panic!("{e}"));
        }
        let too_long = "x".repeat(250);
        let bad = [
            ("", "empty"),
            (".", "\"..\""),
            ("..", "\"..\""),
            (too_long.as_str(), "250 characters"),
            ("a b", "' '"),
            ("a/b", "'/'"),
            ("ünïcode", "'ü'"),
            ("a\0", "'\\0'"),
        ];
        for (name, why) in bad {
            let error = check_topic_name(name).expect_err(name);
            assert_eq!(error.code(), Code::InvalidTopic);
            assert!(error.message().contains(why), "{error}");
        }
    }

    #[test]
    fn names_that_metrics_cannot_tell_apart_collide() {
        assert!(names_collide("a.b", "a_b"));
        assert!(!names_collide("a.b", "a.b"));
        assert!(!names_collide("a.b", "a-b"));
    }
}
