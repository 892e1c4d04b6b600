//! Rules about the source that no compiler keeps.

use std::path::{Path, PathBuf};

/// Every file below `src/`, with its path from there and its text without comments and unit tests.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 50, "the sources are not where they were");
    let relative = |file: &Path| file.strip_prefix(&root).unwrap().display().to_string();
    files.iter().map(|file| (relative(file), code(&std::fs::read_to_string(file).unwrap()))).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
}

/// Unit tests stand at the end of a file.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.split_inclusive('\n').filter(|line| !line.trim_start().starts_with("//")).collect()
}

/// The library is everything but the program's own files.
fn is_library(file: &str) -> bool {
    !["main.rs", "cli.rs", "front.rs"].contains(&file) && !file.starts_with("cli/") && !file.starts_with("front/")
}

/// Lines of these files that hold one of these words, but for the files that may.
fn offenders(words: &[&str], concerns: impl Fn(&str) -> bool) -> Vec<String> {
    let line = |file: &str, line: &str| {
        words.iter().any(|word| line.contains(word)).then(|| format!("src/{file}: {}", line.trim()))
    };
    let of = |(file, text): &(String, String)| text.lines().filter_map(|text| line(file, text)).collect::<Vec<_>>();
    sources().iter().filter(|(file, _)| concerns(file)).flat_map(of).collect()
}

#[test]
fn the_library_knows_no_terminal() {
    let words = ["ratatui", "crossterm", "inquire", "indicatif", "clap::", "color_eyre"];
    assert_eq!(offenders(&words, is_library), [""; 0]);
}

/// Commands show things through front ends, and front ends know no command.
#[test]
fn front_ends_know_no_command() {
    assert_eq!(offenders(&["crate::cli"], |file| file == "front.rs" || file.starts_with("front/")), [""; 0]);
}

#[test]
fn the_library_does_not_print_exit_or_read_the_environment() {
    let words = ["println!", "print!(", "dbg!", "process::exit", "env::var", "env::args", "io::stdout", "io::stderr"];
    assert_eq!(offenders(&words, is_library), [""; 0]);
}

/// Through `kube` there are two ways to write: methods of `Api` and of `Request`, and requests made by hand. Texts, maps
/// and files have methods of the same names, so a file counts that also names one of the types.
#[test]
fn only_the_engine_writes_to_a_cluster() {
    let verbs = [".patch(", ".patch_status(", ".create(", ".replace(", ".delete(", ".delete_collection(", ".evict("];
    let types = ["Api<", "Api::", "PatchParams", "PostParams", "DeleteParams", "Request::new("];
    let by_hand = ["http::Request::", "Method::POST", "Method::PUT", "Method::PATCH", "Method::DELETE"];
    // The meter has to name the verbs to tell writes from reads, the sandbox to answer them.
    let outside =
        |file: &str| !file.starts_with("engine/") && !file.starts_with("sandbox/") && file != "cluster/meter.rs";
    let writes = |text: &str| {
        let any = |words: &[&str]| words.iter().any(|word| text.contains(word));
        any(&by_hand) || (any(&verbs) && any(&types))
    };
    let found: Vec<String> =
        sources().into_iter().filter(|(file, text)| outside(file) && writes(text)).map(|(file, _)| file).collect();
    assert_eq!(found, [""; 0]);
}

/// What home does not even keep.
#[test]
fn no_rule_reads_events_that_only_tell_of_what_goes_well() {
    let quoted: Vec<String> =
        seaworthy::doctor::evidence::CHATTER.iter().map(|reason| format!("\"{reason}\"")).collect();
    let words: Vec<&str> = quoted.iter().map(String::as_str).collect();
    let rules = |file: &str| {
        ["doctor/checks", "doctor/stall", "doctor/change", "recover/"].iter().any(|room| file.starts_with(room))
    };
    assert_eq!(offenders(&words, rules), [""; 0]);
}

/// What evidence does not even keep.
#[test]
fn no_rule_reads_what_is_left_out_of_evidence() {
    let unread = seaworthy::doctor::evidence::UNREAD.iter();
    let pairs = unread.flat_map(|(place, keys)| keys.iter().map(move |key| (*place, *key)));
    // Whom a change is of is asked of the whole objects of a wait, and of evidence only where they are.
    let pairs = pairs.filter(|(_, key)| *key != "fieldsV1");
    let quoted: Vec<String> =
        pairs.flat_map(|(place, key)| [format!("\"{key}\""), format!("/{place}/{key}\"")]).collect();
    let words: Vec<&str> = quoted.iter().map(String::as_str).collect();
    let rules = |file: &str| {
        let rooms = [
            "doctor/checks",
            "doctor/stall",
            "doctor/change",
            "doctor/why",
            "doctor/stacks",
            "recover/",
            "home",
            "engine/ready",
            "prepare",
        ];
        // Clusters that are made up say more than a rule may read.
        rooms.iter().any(|room| file.starts_with(room)) && file != "recover/runbook/scene.rs"
    };
    assert_eq!(offenders(&words, rules), [""; 0]);
}

#[test]
fn nothing_knows_the_name_of_a_stack() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let stacks = entries.filter(|entry| entry.path().join("stack.yaml").is_file());
    let names: Vec<String> = stacks.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(!names.is_empty());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(offenders(&names, |_| true), [""; 0]);
}

#[test]
fn no_file_is_too_long_to_read() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|(_, text)| text.lines().count() > 450)
        .map(|(file, text)| format!("src/{file}: {} lines", text.lines().count()))
        .collect();
    assert_eq!(long, [""; 0]);
}
