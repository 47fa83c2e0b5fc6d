//! How the fields of metadata records look in bytes, and the macro that declares records of them.
//! Metadata records are flexible (KIP-482) in all their versions, so there is one form only.

use crate::error::Result;
use crate::protocol::{Reader, Writer};
use crate::types::TopicId;

/// A type that a field can have.
pub(super) trait Field: Sized {
    /// The fewest bytes that a value takes, to bound the count of an array.
    const BYTES_MIN: usize;
    fn read(r: &mut Reader<'_>, version: i16) -> Result<Self>;
    fn write(&self, w: &mut Writer, version: i16);
}

macro_rules! number_fields {
    ($($ty:ident = $bytes:literal),+) => {
        $(impl Field for $ty {
            const BYTES_MIN: usize = $bytes;
            fn read(r: &mut Reader<'_>, _: i16) -> Result<Self> {
                r.$ty()
            }
            fn write(&self, w: &mut Writer, _: i16) {
                w.$ty(*self);
            }
        })+
    };
}

number_fields!(bool = 1, i8 = 1, i16 = 2, u16 = 2, i32 = 4, i64 = 8);

impl Field for String {
    const BYTES_MIN: usize = 1;
    fn read(r: &mut Reader<'_>, _: i16) -> Result<Self> {
        r.compact_string().map(str::to_owned)
    }
    fn write(&self, w: &mut Writer, _: i16) {
        w.compact_string(self);
    }
}

impl Field for Option<String> {
    const BYTES_MIN: usize = 1;
    fn read(r: &mut Reader<'_>, _: i16) -> Result<Self> {
        Ok(r.compact_nullable_string()?.map(str::to_owned))
    }
    fn write(&self, w: &mut Writer, _: i16) {
        w.compact_nullable_string(self.as_deref());
    }
}

impl Field for TopicId {
    const BYTES_MIN: usize = 16;
    fn read(r: &mut Reader<'_>, _: i16) -> Result<Self> {
        r.uuid().map(TopicId)
    }
    fn write(&self, w: &mut Writer, _: i16) {
        w.uuid(&self.0);
    }
}

impl<T: Field> Field for Vec<T> {
    const BYTES_MIN: usize = 1;
    fn read(r: &mut Reader<'_>, version: i16) -> Result<Self> {
        let count = r.compact_array_len(T::BYTES_MIN)?;
        (0..count).map(|_| T::read(r, version)).collect()
    }
    fn write(&self, w: &mut Writer, version: i16) {
        w.compact_array_len(self.len());
        self.iter().for_each(|e| e.write(w, version));
    }
}

impl<T: Field> Field for Option<Vec<T>> {
    const BYTES_MIN: usize = 1;
    fn read(r: &mut Reader<'_>, version: i16) -> Result<Self> {
        let Some(count) = r.compact_nullable_array_len(T::BYTES_MIN)? else {
            return Ok(None);
        };
        let elements: Result<_> = (0..count).map(|_| T::read(r, version)).collect();
        elements.map(Some)
    }
    fn write(&self, w: &mut Writer, version: i16) {
        w.compact_nullable_array_len(self.as_ref().map(Vec::len));
        self.iter().flatten().for_each(|e| e.write(w, version));
    }
}

/// Declares a structure by its fields in wire order. `since N` names the first version that has the
/// field; before it, and where a tagged field is not said, the value after `=` stands.
macro_rules! structure {
    (
        $(#[$doc:meta])*
        $name:ident {
            $( $field:ident: $ty:ty $(, since $since:literal = $before:expr)? ;)*
            $( #[tag($tag:literal)] $tagged:ident: $tagged_ty:ty = $default:expr ;)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $(pub $field: $ty,)*
            $(pub $tagged: $tagged_ty,)*
        }

        impl Field for $name {
            const BYTES_MIN: usize = 1;

            #[allow(unused_variables)]
            fn read(r: &mut Reader<'_>, version: i16) -> Result<Self> {
                $(let $field = structure!(@read r, version, $ty $(, $since, $before)?);)*
                $(let mut $tagged: $tagged_ty = $default;)*
                r.tagged(|tag, r| {
                    match tag {
                        $($tag => $tagged = Field::read(r, version)?,)*
                        _ => return Ok(false),
                    }
                    #[allow(unreachable_code)]
                    Ok(true)
                })?;
                Ok($name { $($field,)* $($tagged,)* })
            }

            #[allow(unused_variables)]
            fn write(&self, w: &mut Writer, version: i16) {
                $(structure!(@write self.$field, w, version $(, $since)?);)*
                #[allow(unused_mut)]
                let mut tagged: Vec<(u32, Writer)> = Vec::new();
                $(
                    let default: $tagged_ty = $default;
                    if self.$tagged != default {
                        let mut field = Writer::new();
                        self.$tagged.write(&mut field, version);
                        tagged.push(($tag, field));
                    }
                )*
                tagged.sort_by_key(|(tag, _)| *tag);
                w.tagged(&tagged);
            }
        }
    };
    (@read $r:ident, $version:ident, $ty:ty) => {
        <$ty as Field>::read($r, $version)?
    };
    (@read $r:ident, $version:ident, $ty:ty, $since:literal, $before:expr) => {
        if $version >= $since { <$ty as Field>::read($r, $version)? } else { $before }
    };
    (@write $value:expr, $w:ident, $version:ident) => {
        $value.write($w, $version)
    };
    (@write $value:expr, $w:ident, $version:ident, $since:literal) => {
        if $version >= $since { $value.write($w, $version) }
    };
}

pub(super) use structure;
