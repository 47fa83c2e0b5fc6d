//! Settings through the public face.

use levada::config::{Overrides, Scope, TopicConfig, check, effective};
use levada::error::{Code, Kind};

#[test]
fn what_effective_shows_can_be_set_again() {
    let none = Overrides::new();
    let shown = effective(Scope::Topic, &none, &none);
    let values = shown
        .into_iter()
        .filter_map(|e| Some((e.key.name.to_owned(), e.value?)));
    let again = TopicConfig::from_overrides(&values.collect(), &none);
    assert_eq!(again.ok(), Some(TopicConfig::default()));
}

#[test]
fn an_unknown_setting_is_the_callers_error_with_kafkas_code() {
    let error = check(Scope::Topic, "retention.millis", "1").expect_err("unknown");
    assert_eq!((error.kind(), error.code().number()), (Kind::Invalid, 40));
    assert_eq!(error.code(), Code::InvalidConfig);
}
