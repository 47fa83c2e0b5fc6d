//! What a client may do, as answers name it: everything, as there are no users yet. The bits are
//! `1 << AclOperation.code`.

/// Read, write, create, delete, alter, describe, describe and alter configs.
pub(super) const TOPIC: i32 = 0b1101_1111_1000;
/// Create, alter, describe, cluster action, describe and alter configs, idempotent write.
pub(super) const CLUSTER: i32 = 0b1_1111_1010_0000;
/// Read, delete, describe, describe and alter configs.
pub(super) const GROUP: i32 = 0b1101_0100_1000;

/// `granted` when the client asked, else Kafka's "not asked".
pub(super) const fn when(asked: bool, granted: i32) -> i32 {
    if asked { granted } else { i32::MIN }
}
