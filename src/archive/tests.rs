//! Whole archives: what goes in comes out, whatever it was; what is damaged is refused.

mod damage;
mod roundtrip;
mod scan;
mod stop;
mod support;
