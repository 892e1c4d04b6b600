//! The program: parse, run the command with a front end, outcome to exit code.

mod cli;
mod front;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    if let Err(error) = color_eyre::install() {
        eprintln!("seaworthy: panics will be reported plainly: {error}");
    }
    let arguments = cli::Cli::parse();
    match cli::execute(arguments) {
        Ok(code) => code,
        Err(report) => {
            eprintln!("error: {report:?}");
            ExitCode::FAILURE
        }
    }
}
