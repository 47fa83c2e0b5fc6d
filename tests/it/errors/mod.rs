//! Bad input and faults: each gives a clear error of the right kind, and loses nothing.

mod calls;
mod damage;
mod directory;
mod disks;
mod handles;
mod support;
mod time;
