//! Reading the command line, and what `--help` shows of it.

use std::process::ExitCode;

use clap::{Arg, Args as _, Command, CommandFactory as _, FromArgMatches as _};

use super::{Cli, Failure, Globals, session};

/// Reads the command line. Bad usage, `--help` and `--version` are answered here, and end in an exit code.
pub(crate) fn parse() -> Result<Cli, ExitCode> {
    let read = command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    read.map_err(|error| {
        if error.use_stderr() && wants_json(std::env::args()) {
            return session::fail_as_json(&Failure::usage(&error));
        }
        // Nobody is left to be told that the reader has gone away.
        let _ = error.print();
        u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
    })
}

/// The command line. What every command understands is described once, by `seaworthy --help`: a page of it below the few
/// options of each command would push those off the screen.
fn command() -> Command {
    let everywhere: Vec<Arg> = Globals::augment_args(Command::new("")).get_arguments().cloned().collect();
    let below =
        format!("Everywhere, see `seaworthy --help`: {}", everywhere.iter().map(short).collect::<Vec<_>>().join(", "));
    let hidden: Vec<Arg> = everywhere.into_iter().map(|arg| arg.hide(true)).collect();
    Cli::command().mut_subcommands(|sub| leave_to_the_top(sub, &hidden, &below))
}

/// A command, and those below it, that take the options without describing them.
fn leave_to_the_top(command: Command, hidden: &[Arg], below: &str) -> Command {
    let command = command.args(hidden.to_vec()).after_help(below.to_owned());
    command.mut_subcommands(|sub| leave_to_the_top(sub, hidden, below))
}

/// How an option is written: `--context`, `-o`.
fn short(option: &Arg) -> String {
    match (option.get_long(), option.get_short()) {
        (Some(long), _) => format!("--{long}"),
        (None, Some(letter)) => format!("-{letter}"),
        (None, None) => String::new(),
    }
}

/// Whether a command line that could not be read asks for JSON; programs are answered in it whatever else is wrong.
fn wants_json(arguments: impl Iterator<Item = String>) -> bool {
    let words: Vec<String> = arguments.collect();
    let apart = words.windows(2).any(|pair| matches!(pair[0].as_str(), "-o" | "--output") && pair[1] == "json");
    apart || words.iter().any(|word| matches!(word.as_str(), "-ojson" | "-o=json" | "--output=json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn what_is_described_once_is_understood_everywhere() {
        let read = |line: &str| command().try_get_matches_from(line.split(' ')).and_then(|m| Cli::from_arg_matches(&m));
        let before = read("seaworthy --context one --timeout 5s prerequisites list").unwrap().globals;
        let after = read("seaworthy prerequisites list --context one --timeout 5s").unwrap().globals;
        assert_eq!((before.context, before.timeout), (after.context.clone(), after.timeout));
        assert_eq!(after.context.as_deref(), Some("one"));
    }

    #[test]
    fn json_is_asked_for_in_many_ways() {
        let wants = |line: &str| wants_json(line.split(' ').map(str::to_owned));
        for line in ["x -o json", "x -ojson", "x --output json", "-o=json x", "--output=json"] {
            assert!(wants(line), "{line}");
        }
        assert!(!wants("x json -o text"));
    }
}
