//! `stacks list|show|validate`.

use super::render::all;
use crate::test::Test;

#[test]
fn every_stack_is_listed_shown_and_good() {
    let list = Test::new().line("stacks list").touches_nothing().any_stdout().run().stdout;
    for (stack, profile) in all() {
        assert!(list.contains(&stack), "{list}");
        let shown = Test::new().line("stacks show").line(&stack).touches_nothing().any_stdout().run();
        assert!(shown.stdout.contains(&profile), "{}", shown.stdout);
        let verdict = Test::new().line("stacks validate").line(&stack).touches_nothing().any_stdout().run();
        let last = verdict.stdout.lines().last().unwrap_or_default();
        assert!(last.starts_with(&format!("{stack} is good: ")), "{}", verdict.stdout);
    }
}

#[test]
fn an_empty_folder_is_no_stack() {
    Test::new()
        .line("stacks validate ./mine")
        .file("mine/notes", "")
        .touches_nothing()
        .status(2)
        .stdout(
            "./mine/stack.yaml: the file is missing
./mine/values.schema.yaml: the file is missing
./mine/values.yaml: the file is missing
mine cannot be used: ",
        )
        .run();
}

#[test]
fn a_folder_of_stacks_that_is_not_there_is_said() {
    let output =
        Test::new().line("stacks list --profiles gone").touches_nothing().status(2).any_stdout().any_stderr().run();
    assert!(output.stderr.contains("gone"), "{}", output.stderr);
}

const NEXT: &str = "
    seaworthy --profiles stacks install mine --dry-run   # what an install would do
    seaworthy --profiles stacks install mine             # do it
    seaworthy stacks validate stacks/mine                # after each change
";

#[test]
fn a_new_stack_is_written_good_and_never_over_another() {
    let said = format!("stacks/mine: 7 files written\nmine is good as it is\n{NEXT}");
    let written = Test::new().line("stacks new mine --dir stacks").touches_nothing().stdout(&said).run();
    let page = written.home.path().join("stacks/mine/files/page.html");
    std::fs::write(&page, "my own").unwrap();
    let taken = "error: `stacks/mine` is there already; nothing was written
 hint: choose another name, or another folder with --dir";
    let again = Test::after(written).line("stacks new mine --dir stacks").status(2).stderr(taken).run();
    assert_eq!(std::fs::read_to_string(page).unwrap(), "my own");

    // The commands that it names, but for the one that needs a cluster.
    let good = "mine is good: 4 objects in single-node";
    let checked = Test::after(again).line("stacks validate stacks/mine").stdout(good).run();
    let listed = Test::after(checked).line("--profiles stacks stacks list").any_stdout().run();
    assert!(listed.stdout.contains("mine "), "{}", listed.stdout);
    let rendered = Test::after(listed).line("--profiles stacks render mine").any_stdout().run();
    assert!(rendered.stdout.contains("name: mine-web"), "{}", rendered.stdout);
}

#[test]
fn a_new_stack_in_json_names_what_was_written() {
    let document = Test::new().line("stacks new mine -o json").touches_nothing().any_stdout().run().json();
    assert_eq!(document["folder"], "./mine");
    assert_eq!(document["next"][2], "seaworthy stacks validate ./mine");
    assert_eq!(document["files"].as_array().unwrap().len(), 7);
    assert_eq!(document["validation"]["faults"].as_array().unwrap().len(), 0);
}

#[test]
fn a_new_stack_needs_a_name_of_its_own() {
    for (name, said) in [
        ("Mine", "error: `Mine` cannot be a stack's name"),
        ("../mine", "error: `../mine` cannot be a stack's name"),
        ("hello", "error: `hello` is a built-in stack"),
    ] {
        let output = Test::new().line("stacks new").line(name).touches_nothing().status(2).any_stderr().run();
        assert!(output.stderr.starts_with(said) && output.stderr.contains(" hint: choose"), "{}", output.stderr);
        assert!(!output.home.path().join(name).exists());
    }
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let test = Test::new().line("stacks new mine --dir file").file("file", "x").touches_nothing();
    let output = test.status(1).any_stderr().run();
    assert!(output.stderr.starts_with("error: file: "), "{}", output.stderr);
}
