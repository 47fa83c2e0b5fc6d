//! How messages are declared. One declaration gives the struct, its default, reading and writing.
//!
//! ```text
//! message!(ThingRequest<'a>: Thing, 0..=3, flexible 2);
//!
//! schema! {
//!     pub struct ThingRequest<'a> {
//!         name: Str<'a>,                                  // in every version
//!         [1..] limit: i32 = -1,                          // from version 1; else -1
//!         [..=2; strict] old: Vec<Part<'a>>,              // up to 2; later it must be empty
//!         [1..] (null 3..) note: Option<Str<'a>>,         // may be null from 3 on
//!     } tagged {
//!         0: [2..] rack: Option<Str<'a>>,                 // tagged field 0
//!     }
//! }
//! ```
//!
//! Reading a version that lacks a field gives its default. Writing one drops the value, unless the
//! field is `strict` and the value another than the default: that is refused. Defaults are Kafka's, but
//! that a field which may be null, and for which Kafka names no default, is null and not empty.

use super::message_writer::MessageWriter;
use super::reader::Reader;
use super::wire::{Version, Wire};
use crate::error::{Code, Error, Result};
use crate::protocol::api::ApiKey;

/// A whole message: a request, a response, or a blob inside one.
pub trait Message<'a>: Wire<'a> + Default {
    /// `None` for a blob.
    const KEY: Option<ApiKey>;
    const NAME: &'static str;
    const VERSION_MIN: i16;
    const VERSION_MAX: i16;
    /// Kafka declares later ones, and does not serve them yet.
    const STABLE_MAX: i16;
    /// The first flexible version; above every version when there is none.
    const FLEXIBLE_FROM: i16;

    /// An error (UnsupportedVersion) unless the message has this version.
    fn version(number: i16) -> Result<Version> {
        let flexible = number >= Self::FLEXIBLE_FROM;
        match (Self::VERSION_MIN..=Self::VERSION_MAX).contains(&number) {
            true => Ok(Version { number, flexible }),
            false => Err(unsupported(Self::NAME, number)),
        }
    }

    /// Reads the message and leaves what stands behind it, as Kafka does.
    fn decode(r: &mut Reader<'a>, version: i16) -> Result<Self> {
        let at = Self::version(version)?;
        Self::read(r, at)
    }

    /// Writes the message. After an error what was written of it is not to be used.
    fn encode(&self, w: &mut MessageWriter, version: i16) -> Result<()> {
        let at = Self::version(version)?;
        self.write(w, at);
        w.check().map_err(|e| e.at(Self::NAME))
    }
}

#[cold]
fn unsupported(name: &str, version: i16) -> Error {
    let message = format!("{name} has no version {version}");
    Error::coded(Code::UnsupportedVersion, message)
}

/// Whether a field says what went wrong: such are counted as they are written.
pub(super) const fn is_error_code(field: &str) -> bool {
    matches!(field.as_bytes(), b"error_code")
}

/// Refuses a value that the version cannot carry and that must not be dropped.
pub(super) fn strict(w: &mut MessageWriter, is_default: bool, field: &'static str) {
    if !is_default {
        let why = "has a value, which this version cannot carry";
        w.refuse(Code::UnsupportedVersion, field, why);
    }
}

/// Refuses to write a null that the version does not know.
pub(super) fn written_null(w: &mut MessageWriter, forbidden: bool, field: &'static str) {
    if forbidden {
        w.refuse(
            Code::UnsupportedVersion,
            field,
            "is null, which this version cannot carry",
        );
    }
}

/// Refuses a null that the version does not know.
pub(super) fn read_null<'a, T>(
    r: &Reader<'a>,
    value: Option<T>,
    allowed: bool,
    field: &'static str,
) -> Result<Option<T>> {
    match value.is_some() || allowed {
        true => Ok(value),
        false => Err(r.error(format_args!(
            "{field} is null, which this version does not know"
        ))),
    }
}

/// One field: each arm is one thing done with it. Empty brackets: in every version; no null rule.
macro_rules! field {
    (@default) => { ::std::default::Default::default() };
    (@default $default:expr) => { $default };

    (@least [] $ty:ty) => { <$ty as $crate::protocol::wire::Wire<'a>>::BYTES_MIN };
    (@least [$range:expr] $ty:ty) => { 0 };

    (@read $r:ident $at:ident $field:ident [] []) => {
        $crate::protocol::wire::Wire::read($r, $at)?
    };
    (@read $r:ident $at:ident $field:ident [] [$nulls:expr]) => {{
        let value = $crate::protocol::wire::Wire::read($r, $at)?;
        let allowed = ($nulls).contains(&$at.number);
        $crate::protocol::schema::read_null($r, value, allowed, stringify!($field))?
    }};
    (@read $r:ident $at:ident $field:ident [$range:expr] [$($nulls:expr)?] $($default:expr)?) => {
        match ($range).contains(&$at.number) {
            true => field!(@read $r $at $field [] [$($nulls)?]),
            false => field!(@default $($default)?),
        }
    };
    // Always there: a default is for `Default` alone.
    (@read $r:ident $at:ident $field:ident [] [$($nulls:expr)?] $default:expr) => {
        field!(@read $r $at $field [] [$($nulls)?])
    };

    (@write $self:ident $w:ident $at:ident $field:ident [] []) => {{
        if const { $crate::protocol::schema::is_error_code(stringify!($field)) } {
            $w.note_error($crate::protocol::wire::Wire::as_error_code(&$self.$field));
        }
        $crate::protocol::wire::Wire::write(&$self.$field, $w, $at)
    }};
    (@write $self:ident $w:ident $at:ident $field:ident [] [$nulls:expr]) => {{
        let forbidden = $self.$field.is_none() && !($nulls).contains(&$at.number);
        $crate::protocol::schema::written_null($w, forbidden, stringify!($field));
        $crate::protocol::wire::Wire::write(&$self.$field, $w, $at)
    }};
    (@write $self:ident $w:ident $at:ident $field:ident [$range:expr $(; $strict:ident)?]
     [$($nulls:expr)?]) => {
        if ($range).contains(&$at.number) {
            field!(@write $self $w $at $field [] [$($nulls)?]);
        } else {
            $( field!(@$strict $self $w $field); )?
        }
    };

    (@strict $self:ident $w:ident $field:ident) => {
        $crate::protocol::schema::strict(
            $w,
            $self.$field == Self::default().$field,
            stringify!($field),
        )
    };

    (@sample $s:ident $at:ident [] [] $ty:ty $(, $default:expr)?) => {
        <$ty as $crate::protocol::wire::Wire<'a>>::sample($s, $at)
    };
    (@sample $s:ident $at:ident [] [$nulls:expr] $ty:ty $(, $default:expr)?) => {
        loop {
            let value = <$ty as $crate::protocol::wire::Wire<'a>>::sample($s, $at);
            if value.is_some() || ($nulls).contains(&$at.number) {
                break value;
            }
        }
    };
    (@sample $s:ident $at:ident [$range:expr] [$($nulls:expr)?] $ty:ty $(, $default:expr)?) => {
        match ($range).contains(&$at.number) {
            true => field!(@sample $s $at [] [$($nulls)?] $ty),
            false => field!(@default $($default)?),
        }
    };
}

/// The tagged fields of a struct. Those that have their default are not written.
macro_rules! tags {
    (@read $value:ident $r:ident $at:ident) => {{
        let _ = &mut $value;
        $r.skip_tagged()?
    }};
    (@read $value:ident $r:ident $at:ident $( $tag:literal [$range:expr] $field:ident )+) => {
        $r.tagged(|tag, $r| {
            match tag {
                $( $tag if ($range).contains(&$at.number) => {
                    $value.$field = $crate::protocol::wire::Wire::read($r, $at)?;
                } )+
                _ => return Ok(false),
            }
            Ok(true)
        })?
    };

    (@write $self:ident $w:ident $at:ident) => {
        if $at.flexible {
            $w.out.no_tagged();
        }
    };
    (@write $self:ident $w:ident $at:ident
     $(
         $tag:literal [$range:expr $(; $strict:ident)?]
         $field:ident: $ty:ty [$($default:expr)?]
     )+) => {
        $( let $field = {
            let default: $ty = field!(@default $($default)?);
            $self.$field != default
        }; )+
        $( if $field && !($at.flexible && ($range).contains(&$at.number)) {
            $( field!(@$strict $self $w $field); )?
        } )+
        if $at.flexible {
            $( let $field = $field && ($range).contains(&$at.number); )+
            $w.out.uvarint(0 $( + u32::from($field) )+);
            $( if $field {
                $w.tagged_field($tag, &mut |w| {
                    $crate::protocol::wire::Wire::write(&$self.$field, w, $at)
                });
            } )+
        }
    };
}

/// Declares structs. See the head of this file.
macro_rules! schema {
    ($(
        $(#[$doc:meta])*
        pub struct $name:ident $(<$life:lifetime>)? {
            $(
                $([$range:expr $(; $strict:ident)?])? $((null $nulls:expr))?
                $field:ident: $ty:ty $(= $default:expr)?,
            )*
        } $( tagged { $(
            $tag:literal: [$trange:expr $(; $tstrict:ident)?]
            $tfield:ident: $tty:ty $(= $tdefault:expr)?,
        )* } )?
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name $(<$life>)? {
            $( pub $field: $ty, )*
            $( $( pub $tfield: $tty, )* )?
        }

        impl $(<$life>)? Default for $name $(<$life>)? {
            fn default() -> Self {
                Self {
                    $( $field: field!(@default $($default)?), )*
                    $( $( $tfield: field!(@default $($tdefault)?), )* )?
                }
            }
        }

        impl<'a> $crate::protocol::wire::Wire<'a> for $name $(<$life>)? {
            const BYTES_MIN: usize = 0 $( + field!(@least [$($range)?] $ty) )*;

            fn read(
                r: &mut $crate::protocol::Reader<'a>,
                at: $crate::protocol::wire::Version,
            ) -> $crate::error::Result<Self> {
                let mut value = Self {
                    $( $field: field!(
                        @read r at $field [$($range)?] [$($nulls)?] $($default)?
                    ), )*
                    $( $( $tfield: field!(@default $($tdefault)?), )* )?
                };
                if at.flexible {
                    tags!(@read value r at $( $( $tag [$trange] $tfield )* )?);
                }
                Ok(value)
            }

            fn write(
                &self,
                w: &mut $crate::protocol::MessageWriter,
                at: $crate::protocol::wire::Version,
            ) {
                $( field!(@write self w at $field [$($range $(; $strict)?)?] [$($nulls)?]); )*
                tags!(@write self w at $( $(
                    $tag [$trange $(; $tstrict)?] $tfield: $tty [$($tdefault)?]
                )* )?);
            }

            #[cfg(test)]
            fn sample(
                s: &mut $crate::protocol::sampler::Sampler,
                at: $crate::protocol::wire::Version,
            ) -> Self {
                Self {
                    $( $field: field!(
                        @sample s at [$($range)?] [$($nulls)?] $ty $(, $default)?
                    ), )*
                    $( $( $tfield: match at.flexible {
                        true => field!(@sample s at [$trange] [] $tty $(, $tdefault)?),
                        false => field!(@default $($tdefault)?),
                    }, )* )?
                }
            }
        }
    )*};
}

/// Makes a struct of [`schema!`] a message.
macro_rules! message {
    (@key blob) => { None };
    (@key $key:ident) => { Some($crate::protocol::api::ApiKey::$key) };
    (@or $default:expr) => { $default };
    (@or $default:expr, $value:expr) => { $value };

    ($name:ident $(<$life:lifetime>)?: $key:ident, $min:literal..=$max:literal
     $(, stable $stable:literal)? $(, flexible $flexible:literal)?) => {
        impl<'a> $crate::protocol::schema::Message<'a> for $name $(<$life>)? {
            const KEY: Option<$crate::protocol::api::ApiKey> = message!(@key $key);
            const NAME: &'static str = stringify!($name);
            const VERSION_MIN: i16 = $min;
            const VERSION_MAX: i16 = $max;
            const STABLE_MAX: i16 = message!(@or $max $(, $stable)?);
            const FLEXIBLE_FROM: i16 = message!(@or i16::MAX $(, $flexible)?);
        }
    };
}

pub(super) use {field, message, schema, tags};
