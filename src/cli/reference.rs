//! The reference page `docs/cli.md`, made from the help of every command.

use std::fmt::Write;

use clap::Command;

use super::run::root;

const HEAD: &str = "\
# The command line

<!-- Made from the help in src/cli by `make docs`: change it there. -->

`levada` works on a data directory, `--dir` or `LEVADA_DIR`, which one process at a time has open, or on
a cluster, `--bootstrap` or `LEVADA_BOOTSTRAP`: see [below](#on-a-cluster).
Results go to standard output, errors to standard error (`error: …`, or with `--json` an object
`{\"error\": {\"kind\", \"code\", \"message\"}}`).

| exit status | meaning |
|---|---|
| 0 | done |
| 2 | the call is wrong: an unknown option, an illegal name or value |
| 3 | what was named is not there, or is there already; an offset outside the log |
| 4 | the directory is open elsewhere; a group has members |
| 5 | no right to read or write |
| 6 | not now: a full disk, a time-out |
| 7 | damaged files |
| 8 | closed, or a defect of Levada |

## On a cluster

`--bootstrap host:port[,host:port…]` names brokers, Levada's or Apache Kafka's (tested with 4.3), without TLS
and without a login. `topic`, `produce`, `consume`, `group`, `import` and `bench` work there as on a directory and
answer with the same JSON; `--dir` and `--bootstrap` exclude each other, and what the command line names counts
before the environment. `serve`, `archive`, `scan`, `check`, `dump` and `completions` are about files and say so.

- What Kafka's protocol does not carry is null: when a topic was made, when a group committed, the epoch of a
  classic group.
- `produce` and `import` are idempotent where the cluster is: a record is stored once
  and in order, also when a connection breaks. What could not be sent for a minute fails.
- `consume --group` is a member by KIP-848, which Kafka has from 4.0 on.
- An address at which nobody answers is an error after five seconds; after that a broker that goes is waited
  for for a minute.
";

/// The whole page.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    let mut root = root().max_term_width(100).term_width(100);
    root.build();
    section(&mut page, &mut root, 2);
    page
}

fn section(page: &mut String, command: &mut Command, level: usize) {
    let name = command.get_bin_name().unwrap_or("levada").to_owned();
    let help = command.render_long_help().to_string();
    let lines = help.lines().map(str::trim_end).collect::<Vec<_>>();
    let marks = "#".repeat(level);
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "\n{marks} {name}\n\n```text\n{}\n```\n",
        lines.join("\n").trim_end()
    );
    for sub in command.get_subcommands_mut() {
        if sub.get_name() != "help" {
            section(page, sub, (level + 1).min(4));
        }
    }
}
