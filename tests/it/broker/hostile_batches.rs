//! Record batches that no client sends, names that no topic has, and clients that read nothing.

use std::time::Duration;

use levada::codec::compression::Compression;
use levada::codec::crc32c::crc32c;
use levada::protocol::messages::fetch::{FetchPartition, FetchRequest, FetchTopic};
use levada::protocol::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse,
};
use levada::record::{BatchBuilder, BuildOptions};
use levada::types::Timestamp;

use super::child::Process;
use super::records::{batch, produce};
use super::wire::Wire;

/// Where the fields of a batch stand; the checksum covers what begins with the attributes.
const LENGTH: usize = 8;
const MAGIC: usize = 16;
const CRC: usize = 17;
const ATTRIBUTES: usize = 21;
const LAST_DELTA: usize = 23;
const COUNT: usize = 57;
const RECORDS: usize = 61;

/// `batch` with `bytes` at `at`, and a checksum that fits.
fn with(batch: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut changed = batch.to_vec();
    changed[at..at + bytes.len()].copy_from_slice(bytes);
    sealed(changed)
}

fn sealed(mut batch: Vec<u8>) -> Vec<u8> {
    let crc = crc32c(&batch[ATTRIBUTES..]);
    batch[CRC..ATTRIBUTES].copy_from_slice(&crc.to_be_bytes());
    batch
}

/// Makes the topic by asking for it.
fn topic(wire: &mut Wire, name: &str) -> i16 {
    let request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic {
            name: Some(name.to_owned().into()),
            ..MetadataRequestTopic::default()
        }]),
        allow_auto_topic_creation: true,
        ..MetadataRequest::default()
    };
    let answer = wire.call(12, &request);
    let response: MetadataResponse<'_> = answer.read();
    response.topics[0].error_code
}

#[test]
fn damaged_batches_are_refused_and_nothing_of_them_is_stored() {
    let broker = Process::start(&[]);
    let mut wire = broker.connect();
    topic(&mut wire, "t");
    let good = batch(3);
    let mut crc = good.clone();
    crc[CRC] ^= 1;
    let mut trailing = good.clone();
    trailing.extend([0; 5]);
    let cases: Vec<(&str, Vec<u8>, &[i16])> = vec![
        ("another checksum", crc, &[2]),
        ("bytes behind", trailing, &[87]),
        ("cut short", good[..good.len() - 3].to_vec(), &[87]),
        ("a head alone", good[..20].to_vec(), &[87]),
        (
            "a negative length",
            with(&good, LENGTH, &[0xff; 4]),
            &[87, 2],
        ),
        (
            "the largest length",
            with(&good, LENGTH, &[0x7f, 0xff, 0xff, 0xff]),
            &[87, 2],
        ),
        ("a length of zero", with(&good, LENGTH, &[0; 4]), &[87, 2]),
        ("an old magic", with(&good, MAGIC, &[1]), &[87]),
        ("an unknown magic", with(&good, MAGIC, &[9]), &[2]),
        (
            "more records than there are",
            with(&good, COUNT, &[0, 0, 0, 9]),
            &[87],
        ),
        (
            "fewer records than there are",
            with(&good, COUNT, &[0, 0, 0, 2]),
            &[87],
        ),
        ("a negative count", with(&good, COUNT, &[0xff; 4]), &[87]),
        (
            "two thousand million records",
            with(&good, COUNT, &[0x7f, 0xff, 0xff, 0xff]),
            &[87],
        ),
        (
            "another last delta",
            with(&good, LAST_DELTA, &[0, 0, 0, 7]),
            &[87],
        ),
        (
            "an unknown codec",
            with(&good, ATTRIBUTES, &[0, 7]),
            &[76, 87],
        ),
        (
            "not what the codec says",
            with(&good, ATTRIBUTES, &[0, 1]),
            &[2, 87],
        ),
        (
            "a control batch",
            with(&good, ATTRIBUTES, &[0, 0x20]),
            &[87],
        ),
        (
            "transactional without a producer",
            with(&good, ATTRIBUTES, &[0, 0x10]),
            &[53, 87],
        ),
        (
            "a record beyond the batch",
            with(&good, RECORDS, &[0x7e]),
            &[87],
        ),
        (
            "an endless varint",
            with(&good, RECORDS, &[0xff; 10]),
            &[87],
        ),
    ];
    for (what, bytes, codes) in cases {
        let (code, _) = produce(&mut wire, "t", 1, &bytes);
        assert!(codes.contains(&code), "{what}: {code}");
    }
    assert_eq!(
        produce(&mut wire, "t", 1, &good),
        (0, 0),
        "nothing was stored before"
    );
}

/// A batch of one record of `size` zeros, compressed.
fn bomb(codec: Compression, size: usize) -> Vec<u8> {
    let mut builder = BatchBuilder::default();
    builder.push(Timestamp(1), None, Some(&vec![0; size]), &[]);
    let options = BuildOptions {
        compression: codec,
        ..BuildOptions::default()
    };
    builder.finish(&options).expect("a batch").to_vec()
}

#[test]
fn batches_that_swell_are_refused_without_the_memory_they_ask_for() {
    let broker = Process::start(&["message.max.bytes=2000000"]);
    let mut wire = broker.connect();
    topic(&mut wire, "t");
    let before = broker.resident_mib();
    let size = 200 << 20;
    for codec in [Compression::Gzip, Compression::Lz4, Compression::Zstd] {
        let sent = bomb(codec, size);
        let (code, _) = produce(&mut wire, "t", 1, &sent);
        assert!(
            [10, 87, 2].contains(&code),
            "{codec:?}: {} bytes: {code}",
            sent.len()
        );
    }
    // Snappy says first how much there will be: two thousand million bytes.
    let mut claims = batch(1);
    claims.truncate(RECORDS);
    claims.extend([0xff, 0xff, 0xff, 0xff, 0x07, 0, 0, 0]);
    claims[ATTRIBUTES + 1] = 2;
    let length = u32::try_from(claims.len() - 12).unwrap();
    claims[LENGTH..MAGIC - 4].copy_from_slice(&length.to_be_bytes());
    let (code, _) = produce(&mut wire, "t", 1, &sealed(claims));
    assert!([87, 2, 10].contains(&code), "snappy: {code}");
    let grown = broker.resident_mib().saturating_sub(before);
    assert!(grown < 350, "{grown} MiB for bombs of 200 MiB each");
}

#[test]
fn names_that_no_topic_can_have_are_refused() {
    let broker = Process::start(&[]);
    let mut wire = broker.connect();
    let long = "a".repeat(250);
    let bad = [
        "", ".", "..", "a b", "a/b", "../a", "a\\b", "a:b", "a\0b", "a\nb", "ü", "a*", &long,
    ];
    for name in bad {
        assert_eq!(topic(&mut wire, name), 17, "{name:?}");
    }
    assert_eq!(topic(&mut wire, &"a".repeat(249)), 0);
}

#[test]
fn clients_that_ask_for_much_and_read_nothing_take_little_memory() {
    let broker = Process::start(&["levada.durability=cache"]);
    let mut wire = broker.connect();
    topic(&mut wire, "t");
    // 64 MiB in the active segment, which is read into buffers.
    let mut builder = BatchBuilder::default();
    builder.push(Timestamp(1), None, Some(&vec![7; 900 << 10]), &[]);
    let large = builder.finish(&BuildOptions::default()).unwrap().to_vec();
    for _ in 0..64 {
        assert_eq!(produce(&mut wire, "t", 1, &large).0, 0);
    }
    let ask = FetchRequest {
        max_bytes: i32::MAX,
        topics: vec![FetchTopic {
            topic: "t".into(),
            partitions: vec![FetchPartition {
                partition_max_bytes: i32::MAX,
                ..FetchPartition::default()
            }],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    };
    let mut deaf: Vec<Wire> = (0..60).map(|_| broker.connect()).collect();
    for wire in &mut deaf {
        wire.send(12, &ask);
    }
    // Wait until all were begun: the broker answers others after them.
    for _ in 0..20 {
        assert_eq!(topic(&mut wire, "t"), 0);
        std::thread::sleep(Duration::from_millis(20));
    }
    let held = broker.resident_mib();
    assert!(
        held < 1500,
        "{held} MiB for 60 clients that each asked for 55 MiB"
    );
}
