"""Runs client programs that are built from unmodified Kafka clients, and judges what they report.

Every program obeys the same command protocol: `PROGRAM BOOTSTRAP COMMAND REQUEST`, where REQUEST is
a file with one JSON object. It prints a JSON object a line; bytes are base64, null is null.

* `produce` {records: FILE, batches: [{name, topic, codec, idempotent}]}: sends the records of the
  file (a JSON array of {key, value, headers: [[name, value]], timestamp}) to partition 0 of each
  topic and prints a step for each batch.
* `consume` {topics: [{topic, count}], isolation}: reads partition 0 of each from its start, prints
  {topic, partition, offset, timestamp, key, value, headers} for each record, and ends after `count`
  of each.
* `group` {topic, group, protocol, session_ms, heartbeat_ms}: a member that prints
  {assigned: [partition..]} whenever that changes and {read: [partition, offset]} for each record,
  commits after what it read, and runs until it is killed.
* `transactions` {topic, id, group}: the steps `commit`, `abort`, `fence` and `offsets`. It leaves
  in partition 0 of the topic the values committed, aborted, fenced and last, of which the first and
  the last count, and a committed offset of the group.
* `admin` {topic, existing, group}: the steps `create` (2 partitions, max.message.bytes=131072),
  `describe`, `configs` (max.message.bytes=65536), `partitions` (3), `delete_records` (before offset
  3 of 5), `list_groups` and `describe_group` (the given one, which has no members), `delete`.
  `existing` is a topic of one partition for clients that can only look.

A step is {step: NAME, ok: true}, {step: NAME, ok: false, error: TEXT} or {step: NAME,
offered: false}, where the client has no such call.
"""
