//! Handles: what C holds of the library's objects.
//!
//! A handle is a counted pointer. The registry knows every handle that is not freed, so that NULL, a
//! stray pointer, a freed handle and one of another kind are refused without a look at what they point
//! to, and a handle that is freed while another thread uses it lives until that call ends. The registry
//! keeps addresses in disguise: for a leak checker a handle is held by its user alone.
//!
//! A look-up costs a lock that is nearly always free. Calls that are made for every record take
//! [`In::glance`] instead, which costs a comparison, and asks its caller to hand in a real pointer.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use levada::embedded::Birth;
use levada::sync::{RwLock, RwLockWriteGuard};
use levada::{Error, Result};

/// A kind of handle.
pub trait Kind: Send + Sync + 'static {
    /// As errors name it: `producer`.
    const NAME: &'static str;
    /// Tells the kinds apart in memory; "levada" counts on in its last letters.
    const TAG: u32;
}

/// Stands where the tag was once the handle is freed.
const FREED: u32 = 0xDEAD_1EAD;

/// What a handle points to.
#[repr(C)]
struct Held<T> {
    /// First, so that a glance at a handle of another kind reads a tag too.
    tag: AtomicU32,
    birth: Birth,
    inner: T,
}

/// A handle that was looked up: it lives at least as long as this.
pub struct Ref<T: Kind> {
    held: Arc<Held<T>>,
}

impl<T: Kind> Deref for Ref<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.held.inner
    }
}

impl<T: Kind> Clone for Ref<T> {
    fn clone(&self) -> Self {
        Ref {
            held: self.held.clone(),
        }
    }
}

/// Addresses are spread by a multiplication: they need no more.
#[derive(Default)]
pub struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, address: usize) {
        self.0 = (self.0 ^ address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 ^= self.0 >> 32;
    }
}

type Shard = HashMap<usize, u32, BuildHasherDefault<Spread>>;

/// Not a pointer into memory any more, for who looks for pointers.
const DISGUISE: usize = usize::MAX / 3;

const SHARDS: usize = 16;

static LIVE: [RwLock<Option<Shard>>; SHARDS] = [const { RwLock::new(None) }; SHARDS];

fn shard(address: usize) -> &'static RwLock<Option<Shard>> {
    // Allocations are aligned to 16 bytes at least.
    let [first, ..] = &LIVE;
    LIVE.get((address >> 4) % SHARDS).unwrap_or(first)
}

/// Held around a fork, so that no other thread is in the middle of a change that the child would inherit.
pub struct Quiet {
    _shards: Vec<RwLockWriteGuard<'static, Option<Shard>>>,
}

pub fn quiet() -> Quiet {
    Quiet {
        _shards: LIVE.iter().map(|shard| shard.write()).collect(),
    }
}

/// How many handles of the process are not freed.
pub fn count() -> usize {
    let sizes = LIVE
        .iter()
        .map(|s| s.read().as_ref().map_or(0, HashMap::len));
    sizes.sum()
}

/// Makes a handle; C frees it.
pub fn make<T: Kind>(inner: T) -> *mut T {
    let held = Arc::new(Held {
        tag: AtomicU32::new(T::TAG),
        birth: Birth::now(),
        inner,
    });
    let pointer = Arc::into_raw(held);
    let address = pointer as usize;
    let mut shard = shard(address).write();
    shard
        .get_or_insert_default()
        .insert(address ^ DISGUISE, T::TAG);
    pointer.cast_mut().cast()
}

fn wrong<T: Kind>(is_null: bool) -> Error {
    let name = T::NAME;
    Error::invalid(match is_null {
        true => format!("{name} is NULL: hand in a {name} that was made and not freed"),
        false => format!(
            "this is no {name}, or one that was freed: hand in a {name} that was made and not freed"
        ),
    })
}

/// A handle as C hands it in, for a call that may change what it stands for.
#[repr(transparent)]
pub struct Handle<T>(*mut T);

/// A handle as C hands it in, for a call that only looks.
#[repr(transparent)]
pub struct View<T>(*const T);

impl<T> Clone for View<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for View<T> {}

impl<T: Kind> Handle<T> {
    pub fn get(&self) -> Result<Ref<T>> {
        get(self.0)
    }

    /// See [`View::glance`].
    pub fn glance(&self) -> Result<&T> {
        glance(self.0)
    }

    /// Takes the handle back from C; `None` for NULL and for what is no handle (any more). In a forked
    /// child a handle of the parent's is left as it lies: its threads are not here.
    pub fn free(self) -> Option<Ref<T>> {
        take_back(self.0)
    }
}

fn take_back<T: Kind>(pointer: *mut T) -> Option<Ref<T>> {
    let address = pointer as usize;
    {
        let mut shard = shard(address).write();
        let live = shard.as_mut()?;
        if live.get(&(address ^ DISGUISE)) != Some(&T::TAG) {
            return None;
        }
        live.remove(&(address ^ DISGUISE));
    }
    // SAFETY: the registry had the address with this tag, so `make::<T>` gave it, and the count that C held
    // is taken back once, because the entry is gone.
    let held = unsafe { Arc::from_raw(pointer.cast_const().cast::<Held<T>>()) };
    held.tag.store(FREED, Ordering::Release);
    if held.birth.check().is_err() {
        std::mem::forget(held);
        return None;
    }
    Some(Ref { held })
}

/// A handle that belongs to another object: C may look at it, and it is freed with that one.
pub struct Lent<T: Kind>(*mut T);

// SAFETY: only an address, which is looked up in the registry before it is followed; what it leads to is
// `Send` and `Sync`.
unsafe impl<T: Kind> Send for Lent<T> {}
// SAFETY: as above.
unsafe impl<T: Kind> Sync for Lent<T> {}

impl<T: Kind> Lent<T> {
    pub fn new(inner: T) -> Lent<T> {
        Lent(make(inner))
    }

    pub fn pointer(&self) -> *const T {
        self.0
    }
}

impl<T: Kind> Drop for Lent<T> {
    fn drop(&mut self) {
        drop(take_back(self.0));
    }
}

impl<T: Kind> View<T> {
    pub fn get(&self) -> Result<Ref<T>> {
        get(self.0)
    }

    /// `None` for NULL, which some calls take for "none".
    pub fn get_optional(&self) -> Result<Option<Ref<T>>> {
        match self.0.is_null() {
            true => Ok(None),
            false => get(self.0).map(Some),
        }
    }

    /// The same without a look into the registry. What is not NULL must be a handle, of any kind, that
    /// lives to the end of the call: the header says so where a call does this.
    #[inline]
    pub fn glance(&self) -> Result<&T> {
        glance(self.0)
    }
}

fn get<T: Kind>(pointer: *const T) -> Result<Ref<T>> {
    let address = pointer as usize;
    let shard = shard(address).read();
    let tag = shard.as_ref().and_then(|s| s.get(&(address ^ DISGUISE)));
    if tag != Some(&T::TAG) {
        return Err(wrong::<T>(pointer.is_null()));
    }
    let pointer = pointer.cast::<Held<T>>();
    // SAFETY: the registry has the address with this tag, so `make::<T>` gave it and C still holds its
    // count: `free` takes the entry out, under the lock that is held here, before it takes the count.
    let held = unsafe {
        Arc::increment_strong_count(pointer);
        Arc::from_raw(pointer)
    };
    drop(shard);
    held.birth.check()?;
    Ok(Ref { held })
}

#[inline]
fn glance<'a, T: Kind>(pointer: *const T) -> Result<&'a T> {
    if pointer.is_null() {
        return Err(wrong::<T>(true));
    }
    // SAFETY: only C makes a `Handle` or a `View`; these calls ask it for a live handle of some kind, and
    // every kind begins with a tag and is aligned to it. The rest is only looked at when the tag is right.
    let tag = unsafe { &(*pointer.cast::<Held<T>>()).tag };
    if tag.load(Ordering::Relaxed) != T::TAG {
        return Err(wrong::<T>(false));
    }
    // SAFETY: as above, and the tag says that it is one of these.
    let held = unsafe { &*pointer.cast::<Held<T>>() };
    held.birth.check()?;
    Ok(&held.inner)
}

/// Makes a type of this crate a kind of handle.
macro_rules! kinds {
    ($($kind:ident $name:literal $tag:literal;)+) => {
        $(impl crate::handle::Kind for $kind {
            const NAME: &'static str = $name;
            const TAG: u32 = 0x1EAD_0000 | $tag;
        })+
    };
}
pub(crate) use kinds;
