//! The `levada` command. Everything is in [`levada::cli`].

fn main() -> std::process::ExitCode {
    levada::cli::main(std::env::args_os())
}
