//! What goes in as Arrow comes out as the same records, over an engine in memory.

mod columns;
mod roundtrip;
mod sources;
mod support;
