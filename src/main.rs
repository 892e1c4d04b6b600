//! The program: parse, run the command with a front end, outcome to exit code.

// They panic when the reader has gone away.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod cli;
mod front;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Err(error) = color_eyre::install() {
        front::tell(&format!("seaworthy: panics will be reported plainly: {error}"));
    }
    let arguments = match cli::parse() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    match cli::execute(arguments) {
        Ok(code) => code,
        Err(report) => {
            front::tell(&format!("error: {report:?}"));
            ExitCode::FAILURE
        }
    }
}
