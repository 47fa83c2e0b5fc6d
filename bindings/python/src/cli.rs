//! The command line, for `python -m levada` and the installed command.

use pyo3::prelude::*;

/// Runs the command in `args` (the first is the program's name); gives its exit status.
///
/// Ctrl-C ends the process as it ends any other command: Python's handler, which only takes a note,
/// would not be looked at before the command is over.
#[pyfunction]
pub fn cli_main(py: Python<'_>, args: Vec<std::ffi::OsString>) -> PyResult<u8> {
    let signal = py.import("signal")?;
    signal.call_method1(
        "signal",
        (signal.getattr("SIGINT")?, signal.getattr("SIG_DFL")?),
    )?;
    crate::enter::enter(py, || Ok(levada::cli::run(args)))
}
