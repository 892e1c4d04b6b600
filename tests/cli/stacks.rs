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
