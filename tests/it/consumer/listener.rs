//! Hearing of partitions that come and go.

use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use levada::embedded::{Consumer, Database, Rebalance};
use levada::types::{Offset, TopicPartition};
use levada::{Error, Kind};

use super::support::{WAIT, at, by_hand, committed, drain, options, poll, send, topic, world};

type Heard = Arc<Mutex<Vec<(Rebalance, Vec<TopicPartition>)>>>;

fn listening(db: &Database) -> (Arc<Consumer>, Heard) {
    let consumer = Arc::new(db.consumer(by_hand("g")).unwrap());
    let heard = Heard::default();
    let (notes, inner) = (heard.clone(), Arc::downgrade(&consumer));
    let listener = move |what, partitions: &[TopicPartition]| {
        notes.lock().unwrap().push((what, partitions.to_vec()));
        let consumer = inner.upgrade().expect("it is being called");
        match what {
            Rebalance::Assigned => {
                for partition in partitions {
                    consumer.seek(partition, Offset(2))?;
                }
            }
            Rebalance::Revoked => consumer.commit(None)?,
            Rebalance::Lost => {}
        }
        assert_eq!(
            consumer.poll(None, WAIT).unwrap_err().kind(),
            Kind::Conflict
        );
        assert_eq!(
            consumer.subscribe(&["t"]).unwrap_err().kind(),
            Kind::Conflict
        );
        Ok(())
    };
    consumer.on_rebalance(Some(Arc::new(listener))).unwrap();
    consumer.subscribe(&["t"]).unwrap();
    (consumer, heard)
}

#[test]
fn a_listener_seeks_what_comes_and_commits_what_goes() {
    let (db, _) = world();
    topic(&db, "t", 2);
    send(&db, &at("t", 0), 10);
    send(&db, &at("t", 1), 10);
    let (one, heard) = listening(&db);
    assert_eq!(drain(&one, 16).len(), 16);
    let all = vec![at("t", 0), at("t", 1)];
    assert_eq!(*heard.lock().unwrap(), [(Rebalance::Assigned, all)]);
    let two = db.consumer(by_hand("g")).unwrap();
    two.subscribe(&["t"]).unwrap();
    let started = Instant::now();
    while two.assignment().unwrap().len() != 1 {
        assert!(started.elapsed() < WAIT);
        assert_eq!(poll(&two).unwrap(), []);
        assert_eq!(poll(&one).unwrap(), []);
    }
    let gone = two.assignment().unwrap();
    assert_eq!(heard.lock().unwrap()[1], (Rebalance::Revoked, gone.clone()));
    assert_eq!(committed(&db, "g", &gone[0]), Some(10));
    one.close().unwrap();
    let last = heard.lock().unwrap().last().cloned().unwrap();
    assert_eq!((last.0, last.1.len()), (Rebalance::Revoked, 1));
    assert_eq!(committed(&db, "g", &last.1[0]), Some(10));
}

#[test]
fn an_error_in_the_middle_of_a_rebalance_holds_up_nobody() {
    let (db, _) = world();
    topic(&db, "t", 2);
    let one = db.consumer(options(Some("g"))).unwrap();
    let refuse = |what: Rebalance, _: &[TopicPartition]| match what {
        Rebalance::Revoked => Err(Error::internal("not now")),
        _ => Ok(()),
    };
    one.on_rebalance(Some(Arc::new(refuse))).unwrap();
    one.subscribe(&["t"]).unwrap();
    poll(&one).unwrap();
    let two = db.consumer(options(Some("g"))).unwrap();
    two.subscribe(&["t"]).unwrap();
    poll(&two).unwrap();
    assert_eq!(poll(&one).unwrap_err().kind(), Kind::Internal);
    // The coordinator hears of it with the next poll; the clock stands still.
    poll(&one).unwrap();
    poll(&two).unwrap();
    assert_eq!(one.assignment().unwrap().len(), 1);
    assert_eq!(two.assignment().unwrap().len(), 1);
    assert_eq!(one.close().unwrap_err().kind(), Kind::Internal);
    assert!(one.is_closed());
}

#[test]
fn a_listener_may_close_the_consumer() {
    let (db, _) = world();
    topic(&db, "t", 1);
    let one = Arc::new(db.consumer(options(Some("g"))).unwrap());
    let inner: Weak<Consumer> = Arc::downgrade(&one);
    let close = move |_, _: &[TopicPartition]| inner.upgrade().expect("alive").close();
    one.on_rebalance(Some(Arc::new(close))).unwrap();
    one.subscribe(&["t"]).unwrap();
    // The poll ends with what it has: nothing.
    let polled = one.poll(None, Duration::from_secs(5));
    assert!(polled.map_or_else(|e| e.kind() == Kind::Closed, |found| found.is_empty()));
    assert!(one.is_closed());
    assert!(
        db.engine()
            .groups()
            .describe("g")
            .unwrap()
            .members
            .is_empty()
    );
}

#[test]
fn a_listener_needs_a_group() {
    let (db, _) = world();
    let alone = db.consumer(options(None)).unwrap();
    let listener = Arc::new(|_, _: &[TopicPartition]| Ok(()));
    let error = alone.on_rebalance(Some(listener)).unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
}
