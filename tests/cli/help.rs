//! What `--help` says, as people see it.

use crate::test::Test;

/// Every command; a new one belongs here (the test below says so).
const COMMANDS: &[&str] = &[
    "",
    "detect",
    "cluster",
    "cluster create",
    "cluster list",
    "cluster up",
    "cluster delete",
    "stacks",
    "stacks list",
    "stacks show",
    "stacks validate",
    "stacks new",
    "prerequisites",
    "prerequisites list",
    "prerequisites install",
    "prerequisites check",
    "prerequisites uninstall",
    "prerequisites pool",
    "images",
    "images list",
    "images load",
    "images save",
    "render",
    "install",
    "upgrade",
    "rollback",
    "status",
    "open",
    "uninstall",
    "hold",
    "recover",
    "backup",
    "backup list",
    "restore",
    "drill",
    "runs",
    "runs list",
    "runs show",
    "runs resume",
    "runs abort",
    "runs report",
    "runs note",
    "runs purge",
    "doctor",
    "bundle",
    "why",
    "explain",
    "sandbox",
    "sandbox serve",
    "sandbox reset",
    "sandbox fault",
    "sandbox fault list",
    "sandbox fault inject",
    "sandbox fault heal",
];

/// The options that every command has, by the help of the program itself.
fn options(help: &str) -> Vec<&str> {
    let all = help.split_once("\nEverywhere:\n").map_or("", |(_, rest)| rest);
    let words = all.lines().filter(|line| line.trim_start().starts_with('-')).map(|line| {
        let long = line.split_whitespace().find(|word| word.starts_with("--"));
        long.or(line.split_whitespace().next()).unwrap_or_default().split(['[', '.']).next().unwrap_or_default()
    });
    words.collect()
}

#[test]
fn help_of_every_command() {
    let whole = Test::new().line("--help").any_stdout().run().stdout;
    for command in COMMANDS {
        let help = Test::new().line(command).line("--help").touches_nothing().any_stdout().run().stdout;
        let name = if command.is_empty() { "seaworthy".to_owned() } else { command.replace(' ', "-") };
        // What is the same everywhere is described once, and named everywhere.
        let own = if command.is_empty() { help.as_str() } else { help.split("\nEverywhere, see").next().unwrap() };
        let named = help.split_once("\nEverywhere, see `seaworthy --help`: ").map_or("", |(_, rest)| rest);
        let described = options(&whole);
        let words: Vec<&str> = named.split([',', ' ', '\n']).filter(|word| !word.is_empty()).collect();
        assert!(command.is_empty() || words == described, "{command}: {words:?}");
        insta::assert_snapshot!(name, own);
    }
}

#[test]
fn every_command_is_known_to_the_test_above() {
    let listed = |command: &str| -> Vec<String> {
        let help = Test::new().line(command).line("--help").any_stdout().run().stdout;
        let section = help.split_once("Commands:\n").map_or("", |(_, rest)| rest);
        let lines = section.lines().take_while(|line| !line.is_empty());
        // A description that does not fit goes on below, further to the right.
        lines
            .filter(|line| !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next())
            // clap's own, which shows the help of the others.
            .filter(|name| *name != "help")
            .map(str::to_owned)
            .collect()
    };
    let mut found = vec![String::new()];
    for command in listed("") {
        found.push(command.clone());
        for below in listed(&command).iter().map(|below| format!("{command} {below}")) {
            // Only a command that has some shows any.
            let deeper: Vec<String> = listed(&below).iter().map(|deeper| format!("{below} {deeper}")).collect();
            found.push(below);
            found.extend(deeper);
        }
    }
    assert_eq!(found, COMMANDS);
}

#[test]
fn without_arguments_there_is_a_short_help() {
    let said = Test::new().touches_nothing().status(2).any_stderr().run().stderr;
    let help = Test::new().line("-h").any_stdout().run().stdout;
    assert_eq!(said, help);
}

#[test]
fn help_is_a_command_too() {
    for command in ["", "install", "runs resume"] {
        let option = Test::new().line(command).line("--help").any_stdout().run().stdout;
        let said = Test::new().line("help").line(command).touches_nothing().any_stdout().run().stdout;
        assert_eq!(said, option, "help {command}");
    }
}

#[test]
fn version() {
    Test::new().line("--version").stdout(concat!("seaworthy ", env!("CARGO_PKG_VERSION"))).run();
}
