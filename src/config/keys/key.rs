//! What an entry of the table says, and the short forms in which entries are written.

use std::fmt;

/// What a setting is set on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    Topic,
    /// One engine: this process and its data directory.
    Broker,
    Producer,
    Consumer,
}

impl Scope {
    pub const ALL: [Scope; 4] = [
        Scope::Topic,
        Scope::Broker,
        Scope::Producer,
        Scope::Consumer,
    ];

    /// As messages name it: `unknown topic setting …`.
    pub const fn name(self) -> &'static str {
        match self {
            Scope::Topic => "topic",
            Scope::Broker => "broker",
            Scope::Producer => "producer",
            Scope::Consumer => "consumer",
        }
    }
}

/// The type of a setting's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    Boolean,
    /// Any text, or one of a few words ([`Valid::OneOf`]).
    Text,
    /// 32 bits, signed.
    Int,
    /// 64 bits, signed.
    Long,
    Double,
    /// Words with commas between them.
    List,
}

impl Type {
    /// Kafka's number of the type in a DescribeConfigs answer (KIP-569).
    pub const fn number(self) -> i8 {
        match self {
            Type::Boolean => 1,
            Type::Text => 2,
            Type::Int => 3,
            Type::Long => 5,
            Type::Double => 6,
            Type::List => 7,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Type::Boolean => "boolean",
            Type::Text => "text",
            Type::Int => "int",
            Type::Long => "long",
            Type::Double => "double",
            Type::List => "list",
        }
    }
}

/// Which values of its type a setting takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Valid {
    Any,
    AtLeast(i64),
    Between(i64, i64),
    /// Between the two, or the third.
    BetweenOr(i64, i64, i64),
    /// A double from 0 to 1.
    Ratio,
    /// One of these words; in a list, each of its items.
    OneOf(&'static [&'static str]),
    /// Text that is not empty.
    NotEmpty,
    /// `*`, or `partition:broker` pairs.
    ThrottledReplicas,
    /// `earliest`, `latest`, `none` or `by_duration:` with an ISO 8601 duration.
    OffsetReset,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    None,
    Milliseconds,
    Minutes,
    Hours,
    Bytes,
    BytesPerSecond,
    Records,
}

impl Unit {
    pub const fn name(self) -> &'static str {
        match self {
            Unit::None => "",
            Unit::Milliseconds => "ms",
            Unit::Minutes => "minutes",
            Unit::Hours => "hours",
            Unit::Bytes => "bytes",
            Unit::BytesPerSecond => "bytes/s",
            Unit::Records => "records",
        }
    }
}

/// When a changed value takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// At once, or at the next run of the job that reads it.
    Dynamic,
    /// When the engine is opened again.
    Restart,
    /// When the producer or consumer is made.
    Creation,
    /// Never: Kafka has it, Levada accepts and keeps it, nothing reads it.
    Never,
}

impl Effect {
    pub const fn name(self) -> &'static str {
        match self {
            Effect::Dynamic => "at once",
            Effect::Restart => "at the next open",
            Effect::Creation => "when made",
            Effect::Never => "never",
        }
    }
}

/// A broker setting that gives a topic setting its default, and how many of the topic setting's
/// units one of its own is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synonym {
    pub name: &'static str,
    pub factor: i64,
}

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    pub name: &'static str,
    pub scope: Scope,
    pub kind: Type,
    pub valid: Valid,
    /// `None`: unset unless somebody sets it.
    pub default: Option<&'static str>,
    pub unit: Unit,
    pub effect: Effect,
    /// Where the default comes from, the one that counts first.
    pub synonyms: &'static [Synonym],
    /// For tests and support: taken, but shown only when set.
    pub internal: bool,
    pub doc: &'static str,
}

/// The short forms. An entry starts with its scope: `topic("retention.ms").long("604800000")`.
impl Key {
    pub(super) const fn of(scope: Scope, name: &'static str, effect: Effect) -> Key {
        Key {
            name,
            scope,
            kind: Type::Text,
            valid: Valid::Any,
            default: None,
            unit: Unit::None,
            effect,
            synonyms: &[],
            internal: false,
            doc: "",
        }
    }

    const fn typed(mut self, kind: Type, default: &'static str) -> Key {
        self.kind = kind;
        self.default = Some(default);
        self
    }

    pub(super) const fn boolean(self, default: &'static str) -> Key {
        self.typed(Type::Boolean, default)
    }

    pub(super) const fn text(self, default: &'static str) -> Key {
        self.typed(Type::Text, default)
    }

    pub(super) const fn int(self, default: &'static str) -> Key {
        self.typed(Type::Int, default)
    }

    pub(super) const fn long(self, default: &'static str) -> Key {
        self.typed(Type::Long, default)
    }

    pub(super) const fn double(self, default: &'static str) -> Key {
        self.typed(Type::Double, default)
    }

    pub(super) const fn list(self, default: &'static str) -> Key {
        self.typed(Type::List, default)
    }

    /// Has no value until it is set.
    pub(super) const fn unset(mut self, kind: Type) -> Key {
        self.kind = kind;
        self
    }

    pub(super) const fn valid(mut self, valid: Valid) -> Key {
        self.valid = valid;
        self
    }

    pub(super) const fn at_least(self, least: i64) -> Key {
        self.valid(Valid::AtLeast(least))
    }

    pub(super) const fn one_of(self, words: &'static [&'static str]) -> Key {
        self.valid(Valid::OneOf(words))
    }

    pub(super) const fn unit(mut self, unit: Unit) -> Key {
        self.unit = unit;
        self
    }

    pub(super) const fn ms(self) -> Key {
        self.unit(Unit::Milliseconds)
    }

    pub(super) const fn bytes(self) -> Key {
        self.unit(Unit::Bytes)
    }

    pub(super) const fn synonyms(mut self, synonyms: &'static [Synonym]) -> Key {
        self.synonyms = synonyms;
        self
    }

    pub(super) const fn restart(mut self) -> Key {
        self.effect = Effect::Restart;
        self
    }

    pub(super) const fn no_effect(mut self) -> Key {
        self.effect = Effect::Never;
        self
    }

    pub(super) const fn internal(mut self) -> Key {
        self.internal = true;
        self
    }

    pub(super) const fn doc(mut self, doc: &'static str) -> Key {
        self.doc = doc;
        self
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
