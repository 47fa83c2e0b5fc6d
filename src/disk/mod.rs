//! The only place that touches files. [`Disk`] and [`File`] are the seam; [`RealDisk`] is the
//! operating system's, [`FaultyDisk`] lives in memory and, by seed, loses what was not synced,
//! tears writes, fails at the n-th call and fills up.

#[cfg(test)]
mod conformance;
mod faulty;
mod lock;
mod map;
mod real;
mod seam;

pub use faulty::{Fault, Faults, FaultyDisk};
pub use lock::{Birth, DirectoryLock, Fork};
pub use real::RealDisk;
pub use seam::{Disk, Entry, File, Open, Space, replace, write_atomically};
