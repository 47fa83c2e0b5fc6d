use super::options::Address;
use crate::error::Kind;

#[test]
fn addresses_are_read_or_refused_with_a_reason() {
    let list = Address::parse_list("a:1, b.example:9092,[::1]:3,").expect("three");
    let shown: Vec<String> = list.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["a:1", "b.example:9092", "[::1]:3"]);
    for (text, part) in [
        ("", "no broker"),
        ("a", "HOST:PORT"),
        ("a:0", "1 to 65535"),
        ("a:65536", "1 to 65535"),
        ("::1:9092", "IPv6"),
        (":9092", "HOST:PORT"),
        ("http://a:1", "scheme"),
    ] {
        let error = Address::parse_list(text).expect_err(text);
        assert_eq!(error.kind(), Kind::Invalid, "{text}");
        assert!(error.message().contains(part), "{text}: {error}");
    }
}
