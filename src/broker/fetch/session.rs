//! An incremental fetch session (KIP-227): what one client reads, so that it need not say it each time.

use std::collections::HashMap;

use super::partition::{Place, Wanted};
use crate::protocol::messages::fetch::FetchPartition;

#[derive(Debug)]
pub(in crate::broker) struct Session {
    pub id: i32,
    /// Whether its requests name topics by their id.
    pub by_id: bool,
    /// The epoch that the next request must have.
    pub epoch: i32,
    wanted: Vec<Wanted>,
    places: HashMap<Place, usize>,
}

impl Session {
    pub fn new(id: i32, by_id: bool, wanted: Vec<Wanted>) -> Session {
        let places = index(&wanted);
        Session {
            id,
            by_id,
            epoch: 1,
            wanted,
            places,
        }
    }

    /// The epoch after this one: 0 is only for the first.
    pub fn next_epoch(epoch: i32) -> i32 {
        epoch.checked_add(1).unwrap_or(1)
    }

    pub fn set(&mut self, place: Place, asked: &FetchPartition) {
        match self
            .places
            .get(&place)
            .and_then(|at| self.wanted.get_mut(*at))
        {
            Some(wanted) => wanted.update(asked),
            None => {
                self.places.insert(place.clone(), self.wanted.len());
                self.wanted.push(Wanted::new(place, asked));
            }
        }
    }

    pub fn forget(&mut self, places: &[Place]) {
        if places.is_empty() {
            return;
        }
        self.wanted.retain(|wanted| !places.contains(&wanted.place));
        self.places = index(&self.wanted);
    }

    pub fn len(&self) -> usize {
        self.wanted.len()
    }

    /// Lends the partitions out for one request.
    pub fn take(&mut self) -> Vec<Wanted> {
        std::mem::take(&mut self.wanted)
    }

    /// Takes them back. `next` is the first of them that found no room; it is the first of the next
    /// answer, so that a partition with much to say does not starve the others.
    pub fn put_back(&mut self, mut wanted: Vec<Wanted>, next: usize) {
        let rotates = next > 0 && next < wanted.len();
        if rotates {
            wanted.rotate_left(next);
        }
        // A client that asks twice at once may have named or forgotten partitions meanwhile.
        if rotates || !self.wanted.is_empty() || self.places.len() != wanted.len() {
            self.places = index(&wanted);
        }
        self.wanted = wanted;
    }
}

fn index(wanted: &[Wanted]) -> HashMap<Place, usize> {
    let places = wanted.iter().enumerate();
    places
        .map(|(at, wanted)| (wanted.place.clone(), at))
        .collect()
}
