//! The first use of groups makes `__consumer_offsets`, while others change topics.

use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use levada::embedded::{ConsumerOptions, Database, MEMORY};
use levada::engine::NewTopic;

const ROUNDS: usize = 40;
const WAIT: Duration = Duration::from_secs(10);

fn join_a_group(db: &Database) {
    let group = Some("readers".to_owned());
    let options = ConsumerOptions {
        group,
        ..ConsumerOptions::default()
    };
    let consumer = db.consumer(options).unwrap();
    consumer.subscribe(&["orders"]).unwrap();
    consumer.poll(None, Duration::ZERO).unwrap();
}

/// One held what the other waited for, both ways.
#[test]
fn the_first_member_and_a_removed_topic_do_not_wait_for_each_other() {
    for round in 0..ROUNDS {
        let db = Database::open(MEMORY).unwrap();
        db.engine()
            .create_topic(&NewTopic::new("orders", 2))
            .unwrap();
        db.engine().create_topic(&NewTopic::new("old", 1)).unwrap();
        let start = Arc::new(Barrier::new(2));
        let (done, ended) = mpsc::channel();
        let jobs: [fn(&Database); 2] =
            [join_a_group, |db| db.engine().delete_topic("old").unwrap()];
        for job in jobs {
            let (db, start, done) = (db.clone(), start.clone(), done.clone());
            thread::spawn(move || {
                start.wait();
                job(&db);
                done.send(()).unwrap();
            });
        }
        for _ in 0..2 {
            let in_time = ended.recv_timeout(WAIT);
            assert!(
                in_time.is_ok(),
                "round {round}: the two wait for each other"
            );
        }
    }
}
