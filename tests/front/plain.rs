//! The same questions line by line, and none where nobody can answer.

use super::pty::Terminal;
use crate::test::Test;

const ENTER: &str = "\r";

/// What a shell makes of a command that goes on in the next line.
fn shell(text: &str) -> String {
    text.replace('\\', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Up to the question where the images of the shop come from.
fn asked_for_images() -> Terminal {
    let mut terminal = Terminal::wizard(&["--plain"]);
    terminal.see("Cluster?");
    terminal.keys(ENTER);
    terminal.see("Stack?");
    terminal.keys("shop\r");
    terminal.see("Where do the images of");
    terminal
}

/// A question on a terminal that has gone away is never answered: once it kept a core busy for ever.
#[test]
fn nothing_outlives_its_terminal() {
    // Whichever it hears first: that there is nothing more to read, or the signal. 1 is how the terminal of this test tells an end
    // by a signal that nobody had asked for yet.
    let ends = |code: u32| assert!([1, 129].contains(&code), "{code}");
    ends(asked_for_images().hang_up("x"));
    let screen = Terminal::wizard(&[]);
    screen.until("the full screen", vt100::Screen::alternate_screen);
    ends(screen.hang_up("?"));
}

/// A shell that traps the signal passes it on to nobody.
#[test]
fn nothing_outlives_a_terminal_that_it_is_not_told_of() {
    let arguments =
        ["-c", "trap '' HUP; \"$0\" \"$@\"; exit $?", env!("CARGO_BIN_EXE_seaworthy"), "install", "--plain"];
    let terminal = Terminal::start_program("/bin/sh", &arguments, &[]);
    terminal.see("Cluster?");
    assert_eq!(terminal.hang_up("x"), 129);
}

#[test]
fn the_same_questions_line_by_line() {
    let mut terminal = asked_for_images();
    terminal.keys(ENTER);
    terminal.see("Profile?");
    terminal.keys(ENTER);
    terminal.see("Password");
    // What is wrong is said, and asked again.
    terminal.keys(ENTER);
    let said = terminal.see("is required");
    // In the middle of a question nobody can add an option.
    assert!(!said.contains("has no default") && !said.contains("--secret"), "{said}");
    terminal.keys("swordfish\r");
    terminal.see("Change another setting?");
    terminal.keys("y\r999");
    terminal.see("nothing has this in it");
    terminal.keys("\x7f\x7f\x7freplicas\r");
    terminal.see("Windows");
    terminal.keys("many\r");
    terminal.see("expected a whole number");
    terminal.keys("\x7f\x7f\x7f\x7f\x7f2\r");
    terminal.until("the question again", |screen| screen.contents().matches("Change another setting?").count() > 1);
    terminal.keys("n\r");
    terminal.see("Go ahead?");
    terminal.keys("y\r");
    let (code, text, home) = terminal.ended();
    assert_eq!(code, 0, "{text}");
    crate::cli::is_nowhere("swordfish", home.path());
}

#[test]
fn what_the_command_line_said_of_images_is_not_asked_and_not_forgotten() {
    let mut terminal = Terminal::wizard(&["--plain", "--registry", "r.example", "--namespace", "harbour"]);
    terminal.see("Cluster?");
    terminal.keys(ENTER);
    terminal.see("Stack?");
    terminal.keys("shop\r");
    terminal.see("Profile?");
    terminal.keys(ENTER);
    terminal.see("Password");
    terminal.keys("swordfish\r");
    terminal.see("Change another setting?");
    terminal.keys("n\r");
    terminal.see("Go ahead?");
    terminal.keys("n\r");
    let (code, text, _) = terminal.ended();
    assert_eq!(code, 4, "{text}");
    assert!(!text.contains("Where do the images of"), "{text}");
    assert!(shell(&text).contains("--namespace harbour --registry r.example"), "{text}");
}

#[test]
fn a_registry_with_a_login_is_asked_for_first() {
    let mut terminal = asked_for_images();
    terminal.keys("private\r");
    terminal.see("Registry?");
    terminal.keys("r.example\r");
    terminal.see("User name?");
    terminal.keys("robot\r");
    terminal.see("Password, or token?");
    terminal.keys("opensesame\r");
    terminal.see("Profile?");
    terminal.keys(ENTER);
    terminal.until("the setting", |screen| {
        screen.contents().contains("Password?") || screen.contents().matches("Password").count() > 1
    });
    terminal.keys("swordfish\r");
    terminal.see("Change another setting?");
    terminal.keys("n\r");
    terminal.see("Secret/shop-registry");
    terminal.see("Go ahead?");
    terminal.keys("n\r");
    let (code, text, home) = terminal.ended();
    assert_eq!(code, 4, "{text}");
    assert!(shell(&text).contains("--registry r.example --registry-login robot=@FILE"), "{text}");
    crate::cli::is_nowhere("opensesame", home.path());
}

/// What the full screen shows at home, and does from there, is read out and asked line by line.
#[test]
fn home_line_by_line() {
    let mut terminal = Terminal::start(&["--sandbox", "--plain"]);
    terminal.see("[ok] healthy");
    terminal.see("[info] nothing is installed here yet");
    terminal.see("What next?");
    terminal.keys("install\r");
    terminal.see("Stack?");
    terminal.keys("hello\r");
    terminal.see("Where do the images of");
    terminal.keys(ENTER);
    terminal.see("Profile?");
    terminal.keys(ENTER);
    terminal.see("Change something about what is added first?");
    terminal.keys("n\r");
    terminal.see("Change another setting?");
    terminal.keys("n\r");
    terminal.see("Go ahead?");
    terminal.keys("y\r");
    terminal.see("[ok] hello 1.0.0 single-node in hello: healthy");
    terminal.see("open hello --namespace hello");
    terminal.keys("data\r");
    terminal.see("PersistentVolumeClaim/hello/hello-data (Bound");
    terminal.keys("status\r");
    terminal.see("Deployment/hello");
    // Whoever installs again begins with what was answered.
    terminal.keys("install\r");
    terminal.see("Stack?");
    terminal.keys(ENTER);
    terminal.see("Where do the images of");
    terminal.keys("\x1b");
    terminal.see("left; nothing was written");
    terminal.keys("leave\r");
    assert_eq!(terminal.ended().0, 0);
}

#[test]
fn whoever_leaves_home_line_by_line_has_only_looked() {
    for (key, code) in [("\x1b", 0), ("\x03", 130)] {
        let mut terminal = Terminal::start(&["--sandbox", "--plain"]);
        terminal.see("What next?");
        terminal.keys(key);
        assert_eq!(terminal.ended().0, code);
    }
}

/// With no kubeconfig the first question has an answer all the same; what the stack needs is asked about, and added first.
#[test]
fn without_a_cluster_the_sandbox_and_what_the_stack_needs() {
    let program = env!("CARGO_BIN_EXE_seaworthy");
    let none = [("KUBECONFIG", "nothing-is-here")];
    let mut terminal = Terminal::start_program(program, &["install", "--plain", "--stand-ins"], &none);
    terminal.resize(100, 120);
    terminal.see("no cluster answers; one can be made, or all of this tried without one");
    terminal.see("Cluster?");
    terminal.keys("sandbox single\r");
    terminal.see("in the sandbox single-node: a simulated cluster");
    terminal.see("Stack?");
    terminal.keys("distributed\r");
    terminal.see("Profile?");
    terminal.keys("single\r");
    terminal.see("Change something about what is added first?");
    terminal.keys("y\r");
    terminal.see("What?");
    terminal.keys("do not prove\r");
    terminal.until("the question again", |screen| {
        screen.contents().matches("Change something about what is added first?").count() > 1
    });
    terminal.keys("n\r");
    terminal.see("Address");
    terminal.keys(ENTER);
    terminal.see("Change another setting?");
    terminal.keys("n\r");
    terminal.see("Go ahead?");
    terminal.keys("n\r");
    let (code, text, _) = terminal.ended();
    assert_eq!(code, 4, "{text}");
    assert!(shell(&text).contains("kruise --no-check --sandbox && seaworthy install distributed-notebook"), "{text}");
}

#[test]
fn whoever_leaves_the_questions_has_declined() {
    for (key, code) in [("\x1b", 4), ("\x03", 130)] {
        let mut terminal = Terminal::wizard(&["--plain"]);
        terminal.see("Cluster?");
        terminal.keys(key);
        assert_eq!(terminal.ended().0, code);
    }
}

#[test]
fn without_a_terminal_the_command_line_to_use_is_named() {
    for line in ["install", "install --yes", "install -o json", "install --plain"] {
        let output = Test::new().line(line).touches_nothing().status(2).any_stdout().any_stderr().run();
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(
            said.contains("no stack was named") && said.contains("seaworthy install STACK --yes"),
            "{line}: {said}"
        );
    }
}
